"""The innermost loop of products with 8-bit weights, for the processor at hand.

A *panel* is 64 output columns of a weight: a *block* for every 32 inputs. Of 8 bits that is 64 scales
(float16), then the weights four inputs at a time, ``uint8 [8, 64, 4]``. Of 4 bits it is 64 scales, 64
offsets (float16, to be taken away), then ``uint8 [4, 64, 4]``: the lower halves of the bytes are four inputs,
the upper halves the next four. A block is multiplied with all rows of a
sweep while it is in the first cache, so that a panel is read once, from its beginning to its end.

The weights are unsigned (128 added to those of 8 bits), the activations signed: that is what the processors'
instructions take. Whoever calls says what to take away again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from completion.cpu.emit import F32, I8, I16, I32, Emitter
from completion.cpu.target import Target

PANEL = 64
"""Output columns of a panel."""

GROUP = 32
"""Inputs that share a scale, in a row of activations as in a column of weights."""

SCALE_BYTES = 2 * PANEL
BLOCK_BYTES = SCALE_BYTES + GROUP * PANEL
"""Of a block of 8 bits."""

BLOCK4_BYTES = 2 * SCALE_BYTES + GROUP * PANEL // 2
"""Of a block of 4 bits."""

Dot = Callable[..., None]


def integer_dot(target: Target, rows: int, bits: int = 8) -> Dot:
    """``out[r, c] += step[r] · scale[c] · (less[r] + sum of w[k, c] · x[r, k])`` for one block of 8 bits;
    ``step[r] · (scale[c] · sum of w[k, c] · x[r, k] - offset[c] · sum of x[r, k])`` for one of 4.

    Called as ``dot(block, x, stride, steps, less, groups, out)``: the addresses of a block, of int8
    rows that are ``stride`` bytes apart, of ``steps`` (float32) and ``less`` (int32), ``groups`` numbers
    apart for neighbouring rows, and that of the result, float32 ``[rows, 64]``.
    ``less`` is -128 times the sum of ``x``.
    """

    @intrinsic
    def dot(
        _context: Any, block: Any, x: Any, stride: Any, steps: Any, less: Any, groups: Any, out: Any
    ) -> Any:
        def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
            emitter = Emitter(build, target)
            _Block(emitter, _products(target, emitter), rows, bits, *args).run(target.registers)
            return codegen.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return dot


@dataclass(frozen=True)
class _Block:
    """Writes the product of a block, without a loop."""

    emit: Emitter
    products: "_Vnni | _Madd | _Plain"
    count: int
    bits: int
    block: Any
    rows: Any
    stride: Any
    steps: Any
    less: Any
    groups: Any
    out: Any

    def run(self, registers: int) -> None:
        """As many columns at a time as the registers hold sums of."""
        vectors = PANEL // self.emit.lanes
        at_once = max(1, min(vectors, (registers - self.products.spare) // (self.count + 1)))
        for first in range(0, vectors, at_once):
            self._columns(range(first, min(first + at_once, vectors)))

    def _columns(self, held: range) -> None:
        emit = self.emit
        sums = self._sums(held)
        scales = {vector: self._scales(vector) for vector in held}
        offsets = {vector: self._scales(vector, SCALE_BYTES) for vector in held} if self.bits == 4 else {}
        for row in range(self.count):
            step = emit.splat(self._of(self.steps, row, F32))
            less = emit.build.fmul(step, emit.splat(self._minus_the_sum(row))) if offsets else None
            for vector in held:
                end = emit.at(self.out, 4 * (row * PANEL + vector * emit.lanes))
                whole = emit.build.sitofp(sums[row, vector], emit.floats)
                total = emit.fma(whole, emit.build.fmul(scales[vector], step), emit.load(end, emit.floats))
                emit.store(emit.fma(offsets[vector], less, total) if offsets else total, end)

    def _sums(self, held: range) -> dict[tuple[int, int], Any]:
        """The integer sums, by row and vector of columns."""
        emit, products = self.emit, self.products
        starts = [self._start(row) for row in range(self.count)]
        sums = {(row, vector): starts[row] for row in range(self.count) for vector in held}
        for quad in range(GROUP // 4):
            weights = {vector: products.weights(self._word(quad, vector)) for vector in held}
            for row in range(self.count):
                start = emit.element(self.rows, emit.number(row), self.stride)
                value = products.activation(emit.splat(emit.load(emit.at(start, 4 * quad), I32)))
                for vector in held:
                    sums[row, vector] = products.multiply(sums[row, vector], weights[vector], value)
        return sums

    def _start(self, row: int) -> Any:
        """What the sums of a row begin with."""
        emit = self.emit
        return emit.splat(self._of(self.less, row, I32)) if self.bits == 8 else emit.all(emit.integers, 0)

    def _word(self, quad: int, vector: int) -> Any:
        """Four weights of each column of a vector, one to a byte."""
        emit, build = self.emit, self.emit.build
        if self.bits == 8:
            base = emit.at(self.block, SCALE_BYTES + quad * 4 * PANEL)
            return emit.load(emit.at(base, vector * emit.lanes * 4), emit.integers)
        base = emit.at(self.block, 2 * SCALE_BYTES + quad // 2 * 4 * PANEL)
        both = emit.load(emit.at(base, vector * emit.lanes * 4), emit.integers)
        half = build.lshr(both, emit.all(emit.integers, 4)) if quad % 2 else both
        return build.and_(half, emit.all(emit.integers, 0x0F0F0F0F))

    def _minus_the_sum(self, row: int) -> Any:
        """Minus the sum of a row's activations, as a float."""
        build = self.emit.build
        return build.sitofp(build.ashr(self._of(self.less, row, I32), ir.Constant(I32, 7)), F32)

    def _scales(self, vector: int, offset: int = 0) -> Any:
        """A vector of float16 scales as float32, by way of the bits: they are not negative."""
        emit, build = self.emit, self.emit.build
        address = emit.at(self.block, offset + 2 * vector * emit.lanes)
        halves = emit.load(address, ir.VectorType(I16, emit.lanes), align=2)
        bits = build.shl(build.zext(halves, emit.integers), emit.all(emit.integers, 13))
        return build.fmul(build.bitcast(bits, emit.floats), emit.all(emit.floats, 2.0**112))

    def _of(self, table: Any, row: int, kind: Any) -> Any:
        """A row's number of 32 bits."""
        emit = self.emit
        index = emit.build.mul(emit.number(row), self.groups)
        return emit.load(emit.element(table, index, emit.number(4)), kind)


class _Vnni:
    """Four products of 8 bits and their sum in one instruction."""

    spare = 1

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit
        self._bytes = ir.VectorType(I8, 4 * emit.lanes)

    def weights(self, word: Any) -> Any:
        """Unsigned, four to a lane."""
        return self._emit.build.bitcast(word, self._bytes)

    activation = weights
    """Signed, four to a lane."""

    def multiply(self, total: Any, weight: Any, value: Any) -> Any:
        """``total`` with the four products added in each lane."""
        name = f"llvm.x86.avx512.vpdpbusd.{32 * self._emit.lanes}"
        return self._emit.call(name, self._emit.integers, [total, weight, value])


class _Madd:
    """By way of 16 bits: two products and their sum in one instruction (AVX2)."""

    spare = 6

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit
        self._words = ir.VectorType(I16, 2 * emit.lanes)

    def weights(self, word: Any) -> Any:
        """Unsigned: the even bytes and the odd ones."""
        build, words = self._emit.build, self._emit.build.bitcast(word, self._words)
        low, byte = self._emit.all(self._words, 255), self._emit.all(self._words, 8)
        return build.and_(words, low), build.lshr(words, byte)

    def activation(self, word: Any) -> Any:
        """Signed: the even bytes and the odd ones."""
        build, words = self._emit.build, self._emit.build.bitcast(word, self._words)
        byte = self._emit.all(self._words, 8)
        return build.ashr(build.shl(words, byte), byte), build.ashr(words, byte)

    def multiply(self, total: Any, weight: Any, value: Any) -> Any:
        """``total`` with the four products added in each lane."""
        for pair in zip(weight, value, strict=True):
            product = self._emit.call("llvm.x86.avx2.pmadd.wd", self._emit.integers, pair)
            total = self._emit.build.add(total, product)
        return total


class _Plain:
    """By way of 32 bits, whatever the processor."""

    spare = 6

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit

    def weights(self, word: Any) -> Any:
        """Unsigned, one after the other."""
        build, kind = self._emit.build, self._emit.integers
        moved = [build.lshr(word, self._emit.all(kind, 8 * part)) for part in range(4)]
        return [build.and_(part, self._emit.all(kind, 255)) for part in moved]

    def activation(self, word: Any) -> Any:
        """Signed, one after the other."""
        build, kind = self._emit.build, self._emit.integers
        moved = [build.shl(word, self._emit.all(kind, 24 - 8 * part)) for part in range(4)]
        return [build.ashr(part, self._emit.all(kind, 24)) for part in moved]

    def multiply(self, total: Any, weight: Any, value: Any) -> Any:
        """``total`` with the four products added in each lane."""
        for left, right in zip(weight, value, strict=True):
            total = self._emit.build.add(total, self._emit.build.mul(left, right))
        return total


def _products(target: Target, emit: Emitter) -> _Vnni | _Madd | _Plain:
    """How the target makes its products."""
    if target.products == "vnni":
        return _Vnni(emit)
    return _Madd(emit) if target.products == "madd" else _Plain(emit)
