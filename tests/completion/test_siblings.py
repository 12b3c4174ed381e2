"""Joined layers answer as the separate ones do, in whatever order they are asked."""

from itertools import permutations

import pytest
import torch
from torch import nn

from completion.cpu.linear import KernelLinear, Multiplier
from completion.siblings import Eldest, Younger, join_siblings


def make(weight: torch.Tensor, bias: torch.Tensor | None) -> KernelLinear:
    return KernelLinear(weight, bias, Multiplier(1))


class Attention(nn.Module):
    """Three layers of different widths on one input, as with grouped queries."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.q_proj = nn.Linear(16, 12, bias=bias)
        self.k_proj = nn.Linear(16, 4, bias=bias)
        self.v_proj = nn.Linear(16, 4, bias=False)
        self.o_proj = nn.Linear(12, 16)


class Counting(nn.Module):
    """Counts the products."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.inner = make(weight, bias)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.inner(x)


NAMES = ("q_proj", "k_proj", "v_proj")


def joined(*, bias: bool = True) -> tuple[Attention, dict[str, KernelLinear]]:
    torch.manual_seed(3)
    module = Attention(bias=bias)
    apart = {name: make(getattr(module, name).weight, getattr(module, name).bias) for name in NAMES}
    join_siblings(module, Counting)
    return module, apart


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("order", list(permutations(NAMES)))
def test_each_answers_as_it_would_alone(order: tuple[str, ...], bias: bool) -> None:
    module, apart = joined(bias=bias)
    for _ in range(2):
        x = torch.randn(1, 3, 16)
        for name in order:
            assert torch.equal(getattr(module, name)(x), apart[name](x)), name


def test_one_product_serves_all() -> None:
    module, _ = joined()
    x = torch.randn(1, 3, 16)
    for name in NAMES:
        getattr(module, name)(x)
    assert module.q_proj.joined.calls == 1


def test_another_input_is_never_answered_from_the_first_ones() -> None:
    """A pass that failed in the middle leaves parts behind."""
    module, apart = joined()
    module.q_proj(torch.randn(1, 3, 16))
    x = torch.randn(1, 2, 16)
    assert torch.equal(module.k_proj(x), apart["k_proj"](x))


def test_a_part_is_handed_out_once_and_nothing_is_held_behind_the_last() -> None:
    module, apart = joined()
    x = torch.randn(1, 3, 16)
    for name in (*NAMES, "k_proj"):
        assert torch.equal(getattr(module, name)(x), apart[name](x))
    held = [value for value in vars(module.q_proj).values() if isinstance(value, torch.Tensor)]
    assert not held


def test_layers_without_all_their_siblings_stay() -> None:
    model = nn.ModuleDict({"gate_proj": nn.Linear(4, 4), "o_proj": nn.Linear(4, 4)})
    join_siblings(model, make)
    assert isinstance(model["gate_proj"], nn.Linear)


def test_the_weights_are_held_once() -> None:
    module, _ = joined()
    assert isinstance(module.q_proj, Eldest)
    assert all(isinstance(layer, Younger) for layer in (module.k_proj, module.v_proj))
    assert [name for name, child in module.named_modules() if isinstance(child, KernelLinear)] == [
        "q_proj.joined.inner"
    ]
