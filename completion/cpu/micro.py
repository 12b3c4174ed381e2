"""The innermost loops, written in LLVM's own instructions, for the processor at hand.

A *panel* is 64 output columns of a weight, in the order in which one pass over ``k`` reads it. Of
integers it is a *block* for every 32 along ``k``: 64 scales (float16), then the weights four ``k``
at a time, ``uint8 [8, 64, 4]``. Of floats it is ``float32 [k, columns]``. A panel is multiplied
with a few rows at once, so that all sums are held in registers.

The weights are unsigned (128 added), the activations signed: that is what the processors'
instructions take. Whoever calls says what to take away again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from completion.cpu.target import Target

PANEL = 64
"""Output columns of a panel of integers."""

GROUP = 32
"""Inputs that share a scale, in a row of activations as in a column of weights."""

SCALE_BYTES = 2 * PANEL
BLOCK_BYTES = SCALE_BYTES + GROUP * PANEL
"""Of a block of integers."""

_AHEAD = 16384
"""Bytes between what is read and what is asked for."""

I8, I16, I32, I64, F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()

Dot = Callable[..., None]


def integer_dot(target: Target, rows: int) -> Dot:
    """``out[r, c] = sum of step[r, g] · scale[g, c] · (less[r, g] + sum of w[g, k, c] · x[r, g, k])``.

    The sums run over the groups ``g`` and over ``k`` within a group.

    Called as ``dot(panel, x, stride, steps, less, groups, out)``: the addresses of a panel and of int8
    rows that are ``stride`` bytes apart, of ``steps`` (float32) and ``less`` (int32), ``groups`` to a row,
    and that of the result, float32 ``[rows, 64]``.
    """

    @intrinsic
    def dot(
        _context: Any, panel: Any, x: Any, stride: Any, steps: Any, less: Any, groups: Any, out: Any
    ) -> Any:
        def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
            _Blocks(build, target, _Integers(build, target), rows, *args).run()
            return codegen.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return dot


@dataclass(frozen=True)
class _Blocks:
    """Loops over the blocks of a panel, as many columns at once as the registers hold two sums of."""

    build: Any
    target: Target
    maker: Any
    count: int
    panel: Any
    rows: Any
    stride: Any
    steps: Any
    less: Any
    groups: Any
    out: Any

    def run(self) -> None:
        vectors = PANEL // self.target.lanes
        room = (self.target.registers - self.maker.spare) // (2 * self.count + 1)
        at_once = max(1, min(vectors, room))
        for first in range(0, vectors, at_once):
            self._columns(range(first, min(first + at_once, vectors)))

    def _columns(self, held: range) -> None:
        build, floats = self.build, ir.VectorType(F32, self.target.lanes)
        before, outer = build.block, build.append_basic_block()
        build.branch(outer)
        build.position_at_end(outer)
        group = _phi(build, I64, _i64(0), before)
        zero = ir.Constant(floats, [0.0] * self.target.lanes)
        totals = [[_phi(build, floats, zero, before) for _ in held] for _ in range(self.count)]
        block = build.add(self.panel, build.mul(group, _i64(BLOCK_BYTES)))
        sums = self._sums(block, group, held)
        scales = [self._scales(block, vector) for vector in held]
        after = [
            value
            for row in range(self.count)
            for value in self._scaled(totals[row], sums[row], scales, row, group)
        ]
        following = build.add(group, _i64(1))
        flat = [total for row in totals for total in row]
        for phi, value in [(group, following), *zip(flat, after, strict=True)]:
            phi.add_incoming(value, build.block)
        behind = build.append_basic_block()
        build.cbranch(build.icmp_signed("<", following, self.groups), outer, behind)
        build.position_at_end(behind)
        places = [(row, vector) for row in range(self.count) for vector in held]
        for (row, vector), value in zip(places, after, strict=True):
            address = build.add(self.out, _i64(4 * (row * PANEL + vector * self.target.lanes)))
            build.store(value, build.inttoptr(address, floats.as_pointer()), align=4)

    def _sums(self, block: Any, group: Any, held: range) -> list[list[Any]]:
        """The integer sums of one block."""
        build, maker = self.build, self.maker
        starts = [
            _splat(build, self._load(self._at(self.less, row, group), I32), self.target.lanes)
            for row in range(self.count)
        ]
        sums = [[start for _ in held] for start in starts]
        first = build.add(self.rows, build.mul(group, _i64(GROUP)))
        weights_at = build.add(block, _i64(SCALE_BYTES))
        for quad in range(GROUP // 4):  # one after the other, without a loop
            base = build.add(weights_at, _i64(quad * 4 * PANEL))
            if not held.start:
                self._fetch_ahead(base)
            weights = [
                maker.weights(build.add(base, _i64(vector * self.target.lanes * 4))) for vector in held
            ]
            for row in range(self.count):
                at = build.add(build.add(first, _i64(4 * quad)), build.mul(self.stride, _i64(row)))
                value = maker.activation(at)
                sums[row] = [
                    maker.multiply(total, weight, value)
                    for total, weight in zip(sums[row], weights, strict=True)
                ]
        return sums

    def _fetch_ahead(self, base: Any) -> None:
        """Ask for what a later step reads, of all columns: the loops behind this one find it in the cache."""
        build, kind = self.build, I8.as_pointer()
        fetch = _declared(build, "llvm.prefetch.p0", ir.VoidType(), [kind, I32, I32, I32])
        for line in range(0, 4 * PANEL, 64):
            address = build.inttoptr(build.add(base, _i64(_AHEAD + line)), kind)
            build.call(fetch, [address, ir.Constant(I32, 0), ir.Constant(I32, 3), ir.Constant(I32, 1)])

    def _scales(self, block: Any, vector: int) -> Any:
        """A vector of float16 scales as float32, by way of the bits: they are not negative."""
        build, lanes = self.build, self.target.lanes
        halves, wide, floats = (ir.VectorType(kind, lanes) for kind in (I16, I32, F32))
        address = build.add(block, _i64(2 * vector * lanes))
        bits = build.zext(build.load(build.inttoptr(address, halves.as_pointer()), align=2), wide)
        shifted = build.bitcast(build.shl(bits, ir.Constant(wide, [13] * lanes)), floats)
        return build.fmul(shifted, ir.Constant(floats, [2.0**112] * lanes))

    def _scaled(
        self, totals: Sequence[Any], sums: Sequence[Any], scales: Sequence[Any], row: int, group: Any
    ) -> list[Any]:
        """The totals of a row with the sums of a block added."""
        build, floats = self.build, ir.VectorType(F32, self.target.lanes)
        step = _splat(build, self._load(self._at(self.steps, row, group), F32), self.target.lanes)
        fma = _declared(build, f"llvm.fma.v{self.target.lanes}f32", floats, [floats] * 3)
        return [
            build.call(fma, [build.sitofp(part, floats), build.fmul(scale, step), total])
            for total, part, scale in zip(totals, sums, scales, strict=True)
        ]

    def _at(self, table: Any, row: int, group: Any) -> Any:
        """The address of a number of 32 bits for a row and a group."""
        index = self.build.add(self.build.mul(self.groups, _i64(row)), group)
        return self.build.add(table, self.build.mul(index, _i64(4)))

    def _load(self, address: Any, kind: Any) -> Any:
        return self.build.load(self.build.inttoptr(address, kind.as_pointer()), align=4)


def float_dot(target: Target, planes: int, columns: int, *, add: bool) -> Dot:
    """``out[p, c] (+)= sum over k of panel[k, c] · rows[p, k]``, all float32.

    ``columns`` is a multiple of the target's lanes. Called as ``dot(panel, gap, rows, stride, steps,
    out, out_stride)``: ``gap`` bytes lie between one ``k`` of the panel and the next, ``stride`` and
    ``out_stride`` between rows; ``steps`` is the length along ``k`` (at least 1).
    """

    @intrinsic
    def dot(
        _context: Any, panel: Any, gap: Any, rows: Any, stride: Any, steps: Any, out: Any, out_stride: Any
    ) -> Any:
        def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
            sweep = _Sweep(build, target, _Floats(build, target), *args)
            sweep.run(planes, columns, add=add)
            return codegen.get_dummy_value()

        return types.void(*[types.intp] * 7), emit

    return dot


@dataclass(frozen=True)
class _Sweep:
    """Loops along ``k``, one for as many columns as the registers hold sums of."""

    build: Any
    target: Target
    maker: Any
    panel: Any
    gap: Any
    rows: Any
    stride: Any
    steps: Any
    out: Any
    out_stride: Any

    def run(self, planes: int, columns: int, *, add: bool = False) -> None:
        vectors = columns // self.target.lanes
        at_once = max(1, min(vectors, (self.target.registers - self.maker.spare) // (planes + 1)))
        for first in range(0, vectors, at_once):
            self._loop(planes, range(first, min(first + at_once, vectors)), add=add)

    def _loop(self, planes: int, held: range, *, add: bool) -> None:
        build, maker = self.build, self.maker
        ends = [[self._sum_at(plane, vector) for vector in held] for plane in range(planes)]
        sums = [[maker.load_sum(end) if add else maker.zero for end in row] for row in ends]
        before, loop, behind = build.block, build.append_basic_block(), build.append_basic_block()
        build.branch(loop)
        build.position_at_end(loop)
        step = _phi(self.build, I64, _i64(0), before)
        phis = [[_phi(self.build, maker.sum_type, value, before) for value in row] for row in sums]
        following = build.add(step, _i64(1))
        after = self._multiplied(step, phis, held)
        for phi, value in [(step, following), *after]:
            phi.add_incoming(value, build.block)
        build.cbranch(build.icmp_signed("<", following, self.steps), loop, behind)
        build.position_at_end(behind)
        for end, (_, value) in zip([end for row in ends for end in row], after, strict=True):
            build.store(value, build.inttoptr(end, maker.sum_type.as_pointer()), align=4)

    def _multiplied(self, step: Any, phis: Sequence[Sequence[Any]], held: range) -> list[tuple[Any, Any]]:
        """The sums of a step, each with its sum so far."""
        build, maker = self.build, self.maker
        base = build.add(self.panel, build.mul(step, self.gap))
        weights = [maker.weights(build.add(base, self._vector(vector))) for vector in held]
        after: list[tuple[Any, Any]] = []
        for plane, row in enumerate(phis):
            start = build.add(self.rows, build.mul(self.stride, _i64(plane)))
            value = maker.activation(build.add(start, build.mul(step, _i64(4))))
            after += [
                (phi, maker.multiply(phi, weight, value)) for phi, weight in zip(row, weights, strict=True)
            ]
        return after

    def _sum_at(self, plane: int, vector: int) -> Any:
        row = self.build.add(self.out, self.build.mul(self.out_stride, _i64(plane)))
        return self.build.add(row, self._vector(vector))

    def _vector(self, number: int) -> Any:
        return _i64(number * self.target.lanes * 4)


class _Floats:
    """Multiply and add of float32 vectors."""

    spare = 2

    def __init__(self, build: Any, target: Target) -> None:
        self._build, self._lanes = build, target.lanes
        self.sum_type = ir.VectorType(F32, target.lanes)
        self.zero = ir.Constant(self.sum_type, [0.0] * target.lanes)
        kind = self.sum_type
        self._fma = _declared(build, f"llvm.fma.v{target.lanes}f32", kind, [kind, kind, kind])

    def load_sum(self, address: Any) -> Any:
        return self._build.load(self._build.inttoptr(address, self.sum_type.as_pointer()), align=4)

    weights = load_sum

    def activation(self, address: Any) -> Any:
        one = self._build.load(self._build.inttoptr(address, F32.as_pointer()), align=4)
        return _splat(self._build, one, self._lanes)

    def multiply(self, total: Any, weight: Any, value: Any) -> Any:
        return self._build.call(self._fma, [weight, value, total])


class _Integers:
    """Sums of four products of 8 bits, in every 32-bit lane."""

    def __init__(self, build: Any, target: Target) -> None:
        self._build, self._lanes, self._products = build, target.lanes, target.products
        self.spare = {"vnni": 1, "madd": 6, "plain": 6}[target.products]
        self.sum_type = ir.VectorType(I32, target.lanes)
        self.zero = ir.Constant(self.sum_type, [0] * target.lanes)
        self._bytes = ir.VectorType(I8, 4 * target.lanes)
        self._words = ir.VectorType(I16, 2 * target.lanes)
        if target.products == "vnni":
            name = f"llvm.x86.avx512.vpdpbusd.{32 * target.lanes}"
            self._call = _declared(build, name, self.sum_type, [self.sum_type, self._bytes, self._bytes])
        if target.products == "madd":
            self._call = _declared(build, "llvm.x86.avx2.pmadd.wd", self.sum_type, [self._words] * 2)

    def load_sum(self, address: Any) -> Any:
        return self._build.load(self._build.inttoptr(address, self.sum_type.as_pointer()), align=4)

    def weights(self, address: Any) -> Any:
        """Unsigned bytes: as they are, or spread over two or four wider numbers."""
        build, whole = self._build, self.load_sum(address)
        if self._products == "vnni":
            return build.bitcast(whole, self._bytes)
        if self._products == "madd":
            words = build.bitcast(whole, self._words)
            return [
                build.and_(words, self._all(self._words, 255)),
                build.lshr(words, self._all(self._words, 8)),
            ]
        return [
            build.and_(build.lshr(whole, self._all(self.sum_type, 8 * part)), self._all(self.sum_type, 255))
            for part in range(4)
        ]

    def activation(self, address: Any) -> Any:
        """Four signed bytes in every lane, spread as the weights are."""
        build = self._build
        one = build.load(build.inttoptr(address, I32.as_pointer()), align=4)
        whole = _splat(build, one, self._lanes)
        if self._products == "vnni":
            return build.bitcast(whole, self._bytes)
        if self._products == "madd":
            words, byte = build.bitcast(whole, self._words), self._all(self._words, 8)
            return [build.ashr(build.shl(words, byte), byte), build.ashr(words, byte)]
        top = self._all(self.sum_type, 24)
        return [
            build.ashr(build.shl(whole, self._all(self.sum_type, 24 - 8 * part)), top) for part in range(4)
        ]

    def multiply(self, total: Any, weight: Any, value: Any) -> Any:
        build = self._build
        if self._products == "vnni":
            return build.call(self._call, [total, weight, value])
        for part, other in zip(weight, value, strict=True):
            product = (
                build.call(self._call, [part, other]) if self._products == "madd" else build.mul(part, other)
            )
            total = build.add(total, product)
        return total

    def _all(self, kind: Any, number: int) -> Any:
        return ir.Constant(kind, [number] * kind.count)


def _declared(build: Any, name: str, result: Any, args: Sequence[Any]) -> Any:
    found = build.module.globals.get(name)
    return found if found is not None else ir.Function(build.module, ir.FunctionType(result, args), name)


def _splat(build: Any, one: Any, lanes: int) -> Any:
    kind = ir.VectorType(one.type, lanes)
    nothing = ir.Constant(kind, cast("Any", ir).Undefined)
    first = build.insert_element(nothing, one, ir.Constant(I32, 0))
    return build.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


def _phi(build: Any, kind: Any, value: Any, block: Any) -> Any:
    phi = build.phi(kind)
    phi.add_incoming(value, block)
    return phi


def _i64(number: int) -> Any:
    return ir.Constant(I64, number)
