"""The innermost loop of products of float32, for the processor at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numba import types
from numba.extending import intrinsic

from completion.cpu.emit import F32, Emitter, Loop
from completion.cpu.target import Target

Dot = Callable[..., None]

_SPARE = 2
"""Registers that hold no sums."""


def float_dot(target: Target, rows: int, columns: int, *, add: bool) -> Dot:
    """``out[r, c] (+)= sum over k of panel[k, c] · x[r, k]``, all float32.

    ``columns`` is a multiple of the target's lanes. Called as ``dot(panel, gap, x, stride, steps, out,
    out_stride)``: addresses of a panel whose ``k`` are ``gap`` bytes apart, of rows that are ``stride``
    bytes apart, the length along ``k`` (at least 1), and the address of the result, whose rows are
    ``out_stride`` bytes apart.
    """

    @intrinsic
    def dot(
        _context: Any, panel: Any, gap: Any, x: Any, stride: Any, steps: Any, out: Any, out_stride: Any
    ) -> Any:
        def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
            _Columns(Emitter(build, target), rows, *args).run(columns, target.registers, add=add)
            return codegen.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return dot


@dataclass(frozen=True)
class _Columns:
    """Writes the loops along ``k``."""

    emit: Emitter
    count: int
    panel: Any
    gap: Any
    rows: Any
    stride: Any
    steps: Any
    out: Any
    out_stride: Any

    def run(self, columns: int, registers: int, *, add: bool) -> None:
        """A loop for as many columns as the registers hold sums of."""
        vectors = columns // self.emit.lanes
        at_once = max(1, min(vectors, (registers - _SPARE) // (self.count + 1)))
        for first in range(0, vectors, at_once):
            self._loop(range(first, min(first + at_once, vectors)), add=add)

    def _loop(self, held: range, *, add: bool) -> None:
        emit = self.emit
        places = [(row, vector) for row in range(self.count) for vector in held]
        ends = [
            emit.at(emit.element(self.out, emit.number(row), self.out_stride), self._offset(vector))
            for row, vector in places
        ]
        starts = [emit.load(end, emit.floats) if add else emit.all(emit.floats, 0.0) for end in ends]
        loop = Loop(emit, self.steps, starts)
        base = emit.element(self.panel, loop.index, self.gap)
        panel = {vector: emit.load(emit.at(base, self._offset(vector)), emit.floats) for vector in held}
        values = [emit.splat(self._value(row, loop.index)) for row in range(self.count)]
        totals = [
            emit.fma(panel[vector], values[row], total)
            for (row, vector), total in zip(places, loop.values, strict=True)
        ]
        loop.end(totals)
        for end, total in zip(ends, totals, strict=True):
            emit.store(total, end)

    def _value(self, row: int, step: Any) -> Any:
        start = self.emit.element(self.rows, self.emit.number(row), self.stride)
        return self.emit.load(self.emit.element(start, step, self.emit.number(4)), F32)

    def _offset(self, vector: int) -> int:
        return vector * self.emit.lanes * 4
