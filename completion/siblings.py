"""Linear layers that read the same activations, multiplied as one.

Queries, keys and values come from one input, so do a gate and what it gates. Their weights, one
above the other, make one product instead of two or three: the activations are rounded once and
the threads meet once. The model's own code stays as it is: it calls its layers one after the
other, the first computes for all, the others hand out their part.
"""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import nn

SIBLINGS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Names in transformers' Llama, Qwen2, Mistral, Gemma, StarCoder2 and their kin."""

Make = Callable[[torch.Tensor, torch.Tensor | None], nn.Module]
"""Makes a linear layer of a weight ``[out, in]`` and a bias ``[out]`` or None."""


class Eldest(nn.Module):
    """The first of some siblings: computes for all of them and keeps the others' parts."""

    def __init__(self, joined: nn.Module, widths: Sequence[int]) -> None:
        """``joined`` maps ``[..., in]`` to ``[..., sum(widths)]``, a part a sibling."""
        super().__init__()
        self.joined = joined
        self._widths = tuple(widths)
        self._input: torch.Tensor | None = None
        self._parts: dict[int, torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The first part for ``x`` ``[..., in]``."""
        first, *others = self.joined(x).split(self._widths, dim=-1)
        self._input, self._parts = x, dict(enumerate(others, 1))
        return first

    def part(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """The part of sibling ``number`` for ``x``; computed where the first was not asked for ``x``."""
        if self._input is not x or number not in self._parts:
            return self.joined(x).split(self._widths, dim=-1)[number]
        part = self._parts.pop(number)
        if not self._parts:
            self._input = None
        return part


class Younger(nn.Module):
    """Another of the siblings: hands out what the first computed."""

    def __init__(self, eldest: Eldest, number: int) -> None:
        super().__init__()
        self._part = eldest.part  # a method, not a submodule: the weights are the first one's
        self._number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """This sibling's part for ``x`` ``[..., in]``."""
        return self._part(self._number, x)


def join_siblings(model: nn.Module, make: Make) -> None:
    """Replace the siblings among the model's linear layers in place, as ``make`` makes them."""
    for module in list(model.modules()):
        for names in SIBLINGS:
            layers = [getattr(module, name, None) for name in names]
            if all(isinstance(layer, nn.Linear) for layer in layers):
                _join(module, names, cast("list[nn.Linear]", layers), make)


def _join(module: nn.Module, names: Sequence[str], layers: Sequence[nn.Linear], make: Make) -> None:
    weight = torch.cat([layer.weight.detach() for layer in layers])
    eldest = Eldest(make(weight, _biases(layers)), [layer.out_features for layer in layers])
    for number, name in enumerate(names):
        setattr(module, name, Younger(eldest, number) if number else eldest)


def _biases(layers: Sequence[nn.Linear]) -> torch.Tensor | None:
    """The biases behind each other, zeros where a layer has none; None where none has one."""
    own = [cast("torch.Tensor | None", layer.bias) for layer in layers]
    if all(bias is None for bias in own):
        return None
    return torch.cat(
        [
            layer.weight.new_zeros(layer.out_features) if bias is None else bias.detach()
            for layer, bias in zip(layers, own, strict=True)
        ]
    )
