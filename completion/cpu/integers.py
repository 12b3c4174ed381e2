"""The innermost loop of products with 8-bit weights, for the processor at hand.

A *panel* is 64 output columns of a weight, in the order in which one pass over ``k`` reads it: a
*block* for every 32 along ``k``, which is 64 scales (float16), then the weights four ``k`` at a time,
``uint8 [8, 64, 4]``. A panel is multiplied with a few rows at once, so that all sums are held in
registers.

The weights are unsigned (128 added), the activations signed: that is what the processors'
instructions take. Whoever calls says what to take away again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from completion.cpu.emit import F32, I8, I16, I32, Emitter, Loop
from completion.cpu.target import Target

PANEL = 64
"""Output columns of a panel."""

GROUP = 32
"""Inputs that share a scale, in a row of activations as in a column of weights."""

SCALE_BYTES = 2 * PANEL
BLOCK_BYTES = SCALE_BYTES + GROUP * PANEL

_AHEAD = 4096
"""Bytes between what is read and what is asked for."""

Dot = Callable[..., None]


def integer_dot(target: Target, rows: int) -> Dot:
    """``out[r, c] = sum of step[r, g] · scale[g, c] · (less[r, g] + sum of w[g, k, c] · x[r, g, k])``.

    The sums run over the groups ``g`` and over ``k`` within a group. Called as ``dot(panel, x, stride,
    steps, less, groups, out)``: the addresses of a panel and of int8 rows that are ``stride`` bytes
    apart, of ``steps`` (float32) and ``less`` (int32), ``groups`` to a row, and that of the result,
    float32 ``[rows, 64]``.
    """

    @intrinsic
    def dot(
        _context: Any, panel: Any, x: Any, stride: Any, steps: Any, less: Any, groups: Any, out: Any
    ) -> Any:
        def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
            emitter = Emitter(build, target)
            _Panel(emitter, _PRODUCTS[target.products](emitter), rows, *args).run(target.registers)
            return codegen.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return dot


@dataclass(frozen=True)
class _Panel:
    """Writes the loops over the blocks of a panel."""

    emit: Emitter
    products: "_Vnni | _Madd | _Plain"
    count: int
    panel: Any
    rows: Any
    stride: Any
    steps: Any
    less: Any
    groups: Any
    out: Any

    def run(self, registers: int) -> None:
        """A loop for as many columns as the registers hold two sums of."""
        vectors = PANEL // self.emit.lanes
        at_once = max(1, min(vectors, (registers - self.products.spare) // (2 * self.count + 1)))
        for first in range(0, vectors, at_once):
            self._columns(range(first, min(first + at_once, vectors)))

    def _columns(self, held: range) -> None:
        emit = self.emit
        places = [(row, vector) for row in range(self.count) for vector in held]
        loop = Loop(emit, self.groups, [emit.all(emit.floats, 0.0) for _ in places])
        block = emit.element(self.panel, loop.index, emit.number(BLOCK_BYTES))
        sums = self._sums(block, loop.index, held)
        scales = {vector: self._scales(block, vector) for vector in held}
        steps = [emit.splat(self._of(self.steps, row, loop.index, F32)) for row in range(self.count)]
        totals = [
            emit.fma(
                emit.build.sitofp(sums[row, vector], emit.floats),
                emit.build.fmul(scales[vector], steps[row]),
                total,
            )
            for (row, vector), total in zip(places, loop.values, strict=True)
        ]
        loop.end(totals)
        for (row, vector), total in zip(places, totals, strict=True):
            emit.store(total, emit.at(self.out, 4 * (row * PANEL + vector * emit.lanes)))

    def _sums(self, block: Any, group: Any, held: range) -> dict[tuple[int, int], Any]:
        """The integer sums of one block, by row and vector of columns."""
        emit = self.emit
        starts = [emit.splat(self._of(self.less, row, group, I32)) for row in range(self.count)]
        sums = {(row, vector): starts[row] for row in range(self.count) for vector in held}
        first = emit.element(self.rows, group, emit.number(GROUP))
        for quad in range(GROUP // 4):  # one after the other, without a loop
            base = emit.at(block, SCALE_BYTES + quad * 4 * PANEL)
            if not held.start:
                self._fetch_ahead(base)
            weights = {
                v: self.products.weights(emit.load(emit.at(base, v * emit.lanes * 4), emit.integers))
                for v in held
            }
            for row in range(self.count):
                start = emit.element(first, emit.number(row), self.stride)
                value = self.products.activation(emit.splat(emit.load(emit.at(start, 4 * quad), I32)))
                for vector in held:
                    sums[row, vector] = self.products.multiply(sums[row, vector], weights[vector], value)
        return sums

    def _fetch_ahead(self, base: Any) -> None:
        """Ask for what a later step reads, of all columns: the loops behind this one find it in the cache."""
        emit, kind = self.emit, I8.as_pointer()
        read, keep, data = (ir.Constant(I32, value) for value in (0, 3, 1))
        for line in range(0, 4 * PANEL, 64):
            address = emit.build.inttoptr(emit.at(base, _AHEAD + line), kind)
            emit.call("llvm.prefetch.p0", ir.VoidType(), [address, read, keep, data])

    def _scales(self, block: Any, vector: int) -> Any:
        """A vector of float16 scales as float32, by way of the bits: they are not negative."""
        emit, build = self.emit, self.emit.build
        halves = emit.load(emit.at(block, 2 * vector * emit.lanes), ir.VectorType(I16, emit.lanes), align=2)
        bits = build.shl(build.zext(halves, emit.integers), emit.all(emit.integers, 13))
        return build.fmul(build.bitcast(bits, emit.floats), emit.all(emit.floats, 2.0**112))

    def _of(self, table: Any, row: int, group: Any, kind: Any) -> Any:
        """The number of 32 bits for a row and a group."""
        emit = self.emit
        index = emit.element(group, emit.number(row), self.groups)
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


_PRODUCTS = {"vnni": _Vnni, "madd": _Madd, "plain": _Plain}
