"""8-bit weights: close to the original, and exactly the same however rows are grouped."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from completion.quantize import (
    HalfEmbedding,
    Int8Linear,
    IntegerProduct,
    int8_is_fast,
    quantize_model,
    quantize_rows,
)


def make_layer(seed: int = 0, *, bias: bool = True) -> tuple[nn.Linear, Int8Linear]:
    torch.manual_seed(seed)
    linear = nn.Linear(64, 48, bias=bias)
    return linear, Int8Linear(linear.weight, linear.bias if bias else None)


def dequantized(linear: nn.Linear) -> torch.Tensor:
    """The weights that the 8-bit layer stands for."""
    rounded, scale = quantize_rows(linear.weight)
    return rounded.float() * scale[:, None]


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(1, 9), st.floats(1e-3, 1e3), st.booleans())
def test_the_product_is_that_of_the_rounded_weights(seed: int, rows: int, size: float, bias: bool) -> None:
    linear, layer = make_layer(seed, bias=bias)
    x = torch.randn(2, rows, 64) * size
    exact = nn.functional.linear(x, dequantized(linear), linear.bias if bias else None)
    assert torch.allclose(layer(x), exact, atol=2e-3 * size, rtol=1e-4)


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(2, 40), st.data())
def test_a_row_does_not_depend_on_its_company(seed: int, rows: int, data: st.DataObject) -> None:
    _, layer = make_layer(seed)
    x = torch.randn(rows, 64)
    cut = data.draw(st.integers(1, rows - 1))
    assert torch.equal(layer(x), torch.cat([layer(x[:cut]), layer(x[cut:])]))


def test_outliers_do_not_drown_the_small_ones() -> None:
    """One activation a thousand times the others, as real models have: 16 bits keep both."""
    linear, layer = make_layer(bias=False)
    x = torch.randn(1, 64)
    x[0, 5] = 1000.0
    exact = x @ dequantized(linear).T
    assert (layer(x) - exact).abs().max() < 0.05


def test_zeros_stay_zeros() -> None:
    _, layer = make_layer(bias=False)
    assert torch.equal(layer(torch.zeros(3, 64)), torch.zeros(3, 48))


@given(st.integers(1, 5))
def test_rows_are_rounded_to_half_a_step(block: int) -> None:
    weight = torch.randn(12, 8, generator=torch.Generator().manual_seed(block))
    rounded, scale = quantize_rows(weight, block)
    assert ((rounded.float() * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()


def test_a_model_is_replaced_in_place() -> None:
    model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4), nn.LayerNorm(4)).half()
    plain = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4), nn.LayerNorm(4))
    plain.load_state_dict(model.state_dict())
    ids = torch.tensor([1, 7])
    expected = plain(ids)
    quantize_model(model)
    assert isinstance(model[0], HalfEmbedding)
    assert isinstance(model[1], Int8Linear)
    assert model(ids).dtype == torch.float32
    assert torch.allclose(model(ids), expected, atol=0.05)


@given(st.integers(1, 6), st.integers(0, 99))
def test_the_integer_product_is_exact(rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randint(-127, 128, (24, 40), generator=generator, dtype=torch.int8)
    shifted = torch.randint(0, 256, (rows, 40), generator=generator, dtype=torch.uint8)
    exact = (shifted.long() - 128) @ weight.long().T
    assert torch.equal(IntegerProduct(weight)(shifted), exact.float())


@pytest.mark.parametrize("broken", [AttributeError, RuntimeError])
def test_a_torch_without_the_product_is_noticed(
    monkeypatch: pytest.MonkeyPatch, broken: type[Exception]
) -> None:
    def fail(*_: object) -> torch.Tensor:
        raise broken

    monkeypatch.setattr(IntegerProduct, "__call__", fail)
    assert not int8_is_fast()


def test_a_product_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IntegerProduct, "__call__", lambda _, rows: torch.zeros(len(rows), 4))
    assert not int8_is_fast()


def test_a_processor_without_the_instructions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert not int8_is_fast()
