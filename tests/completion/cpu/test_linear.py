"""A linear layer over the kernels: close to the original, and a row's result is its own."""

import gc
import threading
from itertools import product
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from completion.cpu.integers import PANEL
from completion.cpu.linear import KernelLinear, Multiplier, _compile, compile_linear_soon
from completion.cpu.passes import MOST_ROWS
from completion.cpu.product import rounded_product
from completion.errors import UnsupportedModel
from tests.completion.cpu.models import in_few_bits

WIDTHS = list(product((32, 100, 4), (PANEL, 48, 150)))


def layer_of(linear: nn.Linear, threads: int = 2) -> KernelLinear:
    return KernelLinear(linear.weight, linear.bias, Multiplier(threads))


def linear_of(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(inputs + outputs)
    return nn.Linear(inputs, outputs, bias=bias)


def rounded(linear: nn.Linear) -> nn.Linear:
    """``linear`` itself, which multiplies in float32 what the kernels multiply in 8 bits."""
    return in_few_bits(nn.Sequential(linear))[0]


@pytest.mark.parametrize(("inputs", "outputs"), WIDTHS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_that_of_what_was_rounded(inputs: int, outputs: int, bias: bool) -> None:
    plain = linear_of(inputs, outputs, bias=bias)
    layer, x = layer_of(plain), torch.randn(2, 3, inputs)
    x[0, 1, 3] = 1_000  # an outlier, as real models have them
    found = layer(x)
    assert found.shape == (2, 3, outputs)
    assert torch.allclose(found, rounded(plain)(x), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("shape", [(32,), (0, 32), (1, 32), (2, 0, 32), (2, 3, 4, 32)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    plain = linear_of(32, 48)
    layer, x = layer_of(plain), torch.randn(shape)
    assert torch.allclose(layer(x), rounded(plain)(x), atol=1e-4)


def test_rows_need_not_lie_next_to_each_other() -> None:
    layer, x = layer_of(linear_of(32, 64)), torch.randn(5, 64)
    whole = layer(x[:, :32].contiguous())
    compiled = cast("Any", rounded_product)
    before = len(compiled.signatures)
    assert torch.equal(layer(x[:, :32]), whole)
    assert torch.equal(layer(x[::2, :32]), whole[::2])
    assert len(compiled.signatures) == before  # nothing is compiled anew for them


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 2 * MOST_ROWS + 9), st.integers(1, 3), st.data())
def test_a_row_does_not_depend_on_its_company(rows: int, threads: int, data: st.DataObject) -> None:
    plain = linear_of(100, 150)
    layer, other = layer_of(plain), layer_of(plain, threads)
    x = torch.randn(rows, 100, generator=torch.Generator().manual_seed(rows))
    cut = data.draw(st.integers(1, rows - 1))
    assert torch.equal(layer(x), torch.cat([other(x[:cut]), other(x[cut:])]))


def test_layers_of_different_widths_share_a_multiplier() -> None:
    multiply = Multiplier(2)
    linears = [linear_of(inputs, 70) for inputs in (32, 300, 64)]
    layers = [KernelLinear(plain.weight, plain.bias, multiply) for plain in linears]
    for _ in range(2):
        for layer, plain in zip(layers, linears, strict=True):
            x = torch.randn(9, plain.in_features)
            assert torch.equal(layer(x), layer_of(plain)(x))


def test_what_was_answered_stays() -> None:
    """No answer lies in room that the next one overwrites."""
    layer = layer_of(linear_of(32, 64))
    first = layer(torch.ones(1, 32))
    kept = first.clone()
    layer(torch.zeros(1, 32))
    assert torch.equal(first, kept)


def test_another_width_is_refused() -> None:
    layer = layer_of(linear_of(32, 64))
    with pytest.raises(ValueError, match="takes 32 inputs and was given 64"):
        layer(torch.zeros(3, 64))


def test_weights_that_are_no_numbers_are_refused() -> None:
    plain = linear_of(32, 64)
    plain.weight.data[3, 3] = torch.nan
    with pytest.raises(UnsupportedModel):
        layer_of(plain)


def test_the_threads_end_with_the_layers() -> None:
    gc.collect()
    before = threading.active_count()
    layer = layer_of(linear_of(32, 64), threads=3)
    layer(torch.zeros(1, 32))
    assert threading.active_count() == before + 2
    del layer
    gc.collect()
    assert threading.active_count() == before


def test_the_product_is_compiled_beside() -> None:
    compile_linear_soon()
    for thread in threading.enumerate():
        if thread.name == "splice-compile-linear":
            thread.join()
    compiled = cast("Any", rounded_product)
    before = len(compiled.signatures)
    assert before
    layer_of(linear_of(100, 150))(torch.randn(MOST_ROWS + 1, 100))
    assert len(compiled.signatures) == before  # a layer finds what was compiled


def test_compiling_does_not_mind_a_model_that_is_loaded_meanwhile() -> None:
    """Transformers sets torch's default type for the whole process while it opens a model."""
    torch.set_default_dtype(torch.float16)
    try:
        _compile()
    finally:
        torch.set_default_dtype(torch.float32)
