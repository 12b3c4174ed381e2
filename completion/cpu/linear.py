"""A linear layer over the kernels' product, for models that run in transformers' code."""

import weakref
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from completion.cpu import product
from completion.cpu.compiler import compile_beside
from completion.cpu.integers import BLOCK_BYTES, GROUP, PANEL
from completion.cpu.layers import Matrix
from completion.cpu.passes import MOST_ROWS
from completion.cpu.sync import give_up, new_state
from completion.cpu.team import Team
from completion.cpu.weights import pack_linear


class Room(NamedTuple):
    """Rows as they are multiplied: ``rounded`` int8 ``[rows, in]``; ``steps`` float32 and ``less`` int32.

    The latter two are flat: as many to a row as the width at hand has groups.
    """

    rounded: Any
    steps: Any
    less: Any


class Multiplier:
    """The threads that multiply for all layers of a model, and their room. One caller at a time."""

    def __init__(self, threads: int) -> None:
        """``threads`` compute each product together; they end with this object."""
        self._state = new_state(1)
        self._team = Team(threads, on_error=partial(give_up, self._state))
        self._sums = [np.zeros((product.SWEEP, PANEL), np.float32) for _ in range(threads)]
        self._room = _room(1)
        weakref.finalize(self, self._team.close)

    def __call__(self, x: torch.Tensor, weight: Matrix) -> torch.Tensor:
        """``x`` float32 ``[rows, in]`` times ``weight``: float32 ``[rows, columns of all panels]``."""
        out = torch.empty(len(x), weight.bias.shape[1], dtype=torch.float32)
        source, onto = x.detach().contiguous().numpy(), out.numpy()
        for start in range(0, len(x), MOST_ROWS):
            part = slice(start, start + MOST_ROWS)
            self._run(source[part], weight, onto[part])
        return out

    def _run(self, x: Any, weight: Matrix, out: Any) -> None:
        if self._room.rounded.shape[1] < weight.groups * GROUP:
            self._room = _room(weight.groups)
        self._state[:] = 0
        threads, state, room, sums = self._team.threads, self._state, self._room, self._sums
        run: Any = cast("Any", product).rounded_product  # Numba's types
        self._team.run(lambda thread: run(thread, threads, state, weight, x, room, sums[thread], out))


class KernelLinear(nn.Module):
    """``y = x Wᵀ + b`` with ``W`` and ``x`` in 8 bits, 32 inputs to a scale."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, multiply: Multiplier) -> None:
        """Pack ``weight`` ``[out, in]`` of any floating type; ``bias`` is ``[out]``.

        Raises UnsupportedModel for weights that are no numbers, or beyond float16.
        """
        super().__init__()
        self._multiply = multiply
        self._out = weight.shape[0]
        self._weight = pack_linear(weight, bias)

    @property
    def inputs(self) -> int:
        """How many numbers a row has."""
        return self._weight.width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` is float32 ``[..., in]``; returns float32 ``[..., out]``.

        Raises ValueError for another width.
        """
        width = self.inputs
        if x.shape[-1] != width:  # the kernels would read what lies beside
            raise ValueError(f"The layer takes {width} inputs and was given {x.shape[-1]}.")
        rows = self._multiply(x.reshape(-1, width), self._weight)
        return rows[:, : self._out].view(*x.shape[:-1], self._out)


def compile_linear_soon() -> None:
    """Compile the product, or read what was compiled, on a thread beside."""
    compile_beside("splice-compile-linear", _compile)


def _compile() -> None:
    """Run the smallest product there is. While transformers loads, torch has another default type."""
    panels, bias = np.zeros((1, BLOCK_BYTES), np.uint8), np.zeros((1, PANEL), np.float32)
    Multiplier(1)(torch.zeros(1, GROUP, dtype=torch.float32), Matrix(panels, bias, 1, GROUP))


def _room(groups: int) -> Room:
    return Room(
        np.zeros((MOST_ROWS, groups * GROUP), np.int8),
        np.zeros(MOST_ROWS * groups, np.float32),
        np.zeros(MOST_ROWS * groups, np.int32),
    )
