"""Products with 8-bit weights, and what is done to the activations in front of them."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from completion.cpu.integers import GROUP, PANEL
from completion.cpu.layers import Matrix
from completion.cpu.product import SWEEP, exp, gated_product, product, round_row
from completion.cpu.sync import new_state
from completion.cpu.weights import pack_rows
from tests.completion.cpu.calling import from_python
from tests.completion.cpu.unpacking import unpacked

_exp, _round = from_python(exp), from_python(round_row)
_product, _gated = from_python(product), from_python(gated_product)


class Rounded(NamedTuple):
    """What the kernels are given of the activations."""

    rounded: Any
    steps: Any
    less: Any


def rounded(x: Any) -> tuple[Rounded, Any]:
    """The rows of ``x``, rounded, and what they stand for."""
    rows, width = x.shape
    groups = -(-width // GROUP)
    room = Rounded(
        np.full((rows, groups * GROUP), 99, np.int8),
        np.zeros(rows * groups, np.float32),
        np.zeros(rows * groups, np.int32),
    )
    for row in range(rows):
        own = slice(row * groups, (row + 1) * groups)
        _round(x[row], room.rounded[row], room.steps[own], room.less[own])
    steps = np.repeat(room.steps.reshape(rows, groups), GROUP, axis=1)
    return room, (room.rounded * steps)[:, :width].astype(np.float64)


def matrix(weight: torch.Tensor, bias: torch.Tensor) -> Matrix:
    panels = pack_rows(weight)
    full = torch.zeros(1, len(panels) * PANEL)
    full[0, : len(bias)] = bias
    return Matrix(panels.flatten().view(1, -1).numpy(), full.numpy(), panels.shape[1], weight.shape[1])


def activations(rows: int, width: int) -> Any:
    x = np.random.default_rng(rows).standard_normal((rows, width)).astype(np.float32)
    x[0, 3] = 4_000  # an outlier, as real models have them
    return x


def test_exp_is_close_everywhere() -> None:
    at = np.linspace(-86, 87, 5_000).astype(np.float32)
    ours = np.array([_exp(x) for x in at])
    assert np.abs(ours / np.exp(at.astype(np.float64)) - 1).max() < 1e-6
    assert 0 <= _exp(np.float32(-1e30)) < 1e-37
    assert np.isfinite(_exp(np.float32(1e30)))


@pytest.mark.parametrize("width", [32, 64, 48, 100, 4])
def test_a_group_is_rounded_to_its_largest(width: int) -> None:
    x = activations(2, width)
    room, stands_for = rounded(x)
    for first in range(0, width, GROUP):
        part = slice(first, min(first + GROUP, width))
        largest = np.abs(x[:, part]).max(axis=1, keepdims=True)
        assert (np.abs(stands_for[:, part] - x[:, part]) <= largest / 253).all()
    assert not room.rounded[:, width:].any()
    sums = room.rounded.reshape(len(x), -1, GROUP).astype(np.int64).sum(axis=2)
    assert (room.less.reshape(len(x), -1) == -128 * sums).all()


def test_nothing_is_rounded_to_nothing() -> None:
    room, stands_for = rounded(np.zeros((1, 64), np.float32))
    assert not room.rounded.any()
    assert not stands_for.any()


@pytest.mark.parametrize("rows", [1, 2, 5, 6, SWEEP, SWEEP + 1, 31])
def test_a_product_is_that_of_what_was_rounded(rows: int) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(150, 100), torch.randn(150)
    packed, (room, stands_for) = matrix(weight, bias), rounded(activations(rows, 100))
    out = np.zeros((rows, 192), np.float32)
    sums = np.zeros((SWEEP, PANEL), np.float32)
    _product(1, new_state(1), 0, packed, 0, room, 0, rows, sums, out, False)
    wanted = stands_for @ unpacked(weight).double().numpy().T + bias.numpy()
    assert np.allclose(out[:, :150], wanted, rtol=1e-5, atol=1e-2)

    onto = np.ones((rows, 192), np.float32)
    _product(1, new_state(1), 0, packed, 0, room, 0, rows, sums, onto, True)
    assert np.allclose(onto[:, :150], wanted + 1, rtol=1e-5, atol=1e-2)

    some = np.zeros((1, 192), np.float32)
    _product(1, new_state(1), 0, packed, 0, room, rows - 1, rows, sums, some, False)
    assert np.array_equal(some[0], out[rows - 1])  # to the last bit, whoever else is multiplied


def test_a_gate_lets_through() -> None:
    torch.manual_seed(0)
    gate, up = torch.randn(64, 96), torch.randn(64, 96)
    room, stands_for = rounded(activations(4, 96))
    out = np.zeros((4, 64), np.float32)
    both = matrix(torch.cat([gate, up]), torch.randn(128))
    _gated(1, new_state(1), 0, both, 0, room, 4, np.zeros((2, SWEEP, PANEL), np.float32), out)
    x = torch.from_numpy(stands_for)
    bias = torch.from_numpy(both.bias[0]).double()
    left, right = x @ unpacked(gate).double().T + bias[:64], x @ unpacked(up).double().T + bias[64:]
    wanted = (torch.nn.functional.silu(left) * right).numpy()
    assert np.allclose(out, wanted, rtol=1e-4, atol=1e-2)
