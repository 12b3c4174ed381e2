"""The product of a block equals NumPy's, on every kind of processor that can be tried here."""

from typing import Any

import numpy as np
import pytest

from completion.cpu.compiler import kernel
from completion.cpu.integers import BLOCK4_BYTES, BLOCK_BYTES, GROUP, PANEL, SCALE_BYTES, integer_dot
from completion.cpu.target import Target
from tests.completion.cpu.calling import from_python
from tests.completion.cpu.targets import runnable

GROUPS = 5
STRIDE = 4 * GROUP
"""Bytes between the rows: they need not be next to each other."""


def caller(target: Target, rows: int, bits: int = 8) -> Any:
    """A kernel that calls the product of a block."""
    dot: Any = integer_dot(target, rows, bits)

    def call(block, x, steps, less, groups, out):
        dot(
            block.ctypes.data, x.ctypes.data, x.strides[0], steps.ctypes.data, less.ctypes.data, groups,
            out.ctypes.data,
        )  # fmt: skip

    return from_python(kernel(call))


@pytest.mark.parametrize("rows", [1, 2, 3, 6])
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_a_block_is_numpys_product(target: Target, rows: int) -> None:
    random = np.random.default_rng(rows)
    weights = random.integers(0, 256, (GROUP // 4, PANEL, 4)).astype(np.uint8)
    scales = random.random(PANEL).astype(np.float16) * 1e-2
    scales[:4] = 0, 6e-8, 65_504, 1  # nothing, the smallest, the largest
    block = np.concatenate([scales.astype(np.float16).view(np.uint8), weights.reshape(-1)])
    assert block.nbytes == BLOCK_BYTES
    assert scales.nbytes == SCALE_BYTES
    x = np.zeros((rows, STRIDE), np.int8)
    x[:, :GROUP] = random.choice(np.array([-127, -1, 0, 1, 126, 127]), (rows, GROUP))
    steps = random.random((rows, GROUPS)).astype(np.float32)
    less = random.integers(-(1 << 20), 1 << 20, (rows, GROUPS)).astype(np.int32)
    out = np.full((rows, PANEL), 7.0, np.float32)

    caller(target, rows)(block, x, steps, less, GROUPS, out)

    quads = x[:, :GROUP].reshape(rows, GROUP // 4, 4).astype(np.int64)
    sums = np.einsum("qcb,rqb->rc", weights.astype(np.int64), quads) + less[:, :1]
    wanted = 7.0 + sums * scales.astype(np.float64) * steps[:, :1]
    assert np.allclose(out, wanted, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("rows", [1, 2, 3, 6])
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_a_block_of_four_bits_is_numpys_product(target: Target, rows: int) -> None:
    random = np.random.default_rng(rows)
    codes = random.integers(0, 16, (GROUP // 8, 2, PANEL, 4)).astype(np.uint8)
    scales, offsets = (random.random(PANEL).astype(np.float16) for _ in range(2))
    packed = (codes[:, 0] | codes[:, 1] << 4).reshape(-1)
    block = np.concatenate([scales.view(np.uint8), offsets.view(np.uint8), packed])
    assert block.nbytes == BLOCK4_BYTES
    x = random.integers(-127, 128, (rows, GROUP)).astype(np.int8)
    steps = random.random((rows, 1)).astype(np.float32)
    less = -128 * x.sum(axis=1, keepdims=True, dtype=np.int32)
    out = np.full((rows, PANEL), 7.0, np.float32)

    caller(target, rows, 4)(block, x, steps, less, 1, out)

    weights = (
        codes.reshape(GROUP // 4, PANEL, 4) * scales.astype(float)[:, None] - offsets.astype(float)[:, None]
    )
    wanted = 7.0 + np.einsum("qcb,rqb->rc", weights, x.reshape(rows, GROUP // 4, 4).astype(float)) * steps
    assert np.allclose(out, wanted, rtol=1e-4, atol=1e-2)
