"""Writes LLVM's instructions for vectors as wide as the target's registers."""

from collections.abc import Sequence
from typing import Any, cast

from llvmlite import ir

from completion.cpu.target import Target

I8, I16, I32, I64, F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()


class Emitter:
    """Writes where ``build``, llvmlite's builder, stands. Addresses are 64-bit integers."""

    def __init__(self, build: Any, target: Target) -> None:
        self.build = build
        self.lanes = target.lanes
        self.floats = ir.VectorType(F32, target.lanes)
        self.integers = ir.VectorType(I32, target.lanes)

    def number(self, value: int) -> Any:
        """A constant of 64 bits."""
        return ir.Constant(I64, value)

    def all(self, kind: Any, value: float) -> Any:
        """A constant vector of equal elements."""
        return ir.Constant(kind, [value] * kind.count)

    def at(self, address: Any, offset: int) -> Any:
        """An address so many bytes behind another."""
        return self.build.add(address, self.number(offset))

    def element(self, address: Any, index: Any, width: Any) -> Any:
        """The address of element ``index`` of elements of ``width`` bytes, both 64-bit values."""
        return self.build.add(address, self.build.mul(index, width))

    def load(self, address: Any, kind: Any, align: int = 4) -> Any:
        """What lies at an address."""
        return self.build.load(self.build.inttoptr(address, kind.as_pointer()), align=align)

    def store(self, value: Any, address: Any) -> None:
        """Write a value to an address of 32-bit numbers."""
        self.build.store(value, self.build.inttoptr(address, value.type.as_pointer()), align=4)

    def splat(self, value: Any) -> Any:
        """A vector of one value."""
        kind = ir.VectorType(value.type, self.lanes)
        nothing = ir.Constant(kind, cast("Any", ir).Undefined)
        first = self.build.insert_element(nothing, value, ir.Constant(I32, 0))
        return self.build.shuffle_vector(first, nothing, ir.Constant(self.integers, [0] * self.lanes))

    def fma(self, left: Any, right: Any, total: Any) -> Any:
        """``left · right + total`` of float vectors."""
        name = f"llvm.fma.v{self.lanes}f32"
        return self.call(name, self.floats, [left, right, total])

    def call(self, name: str, result: Any, args: Sequence[Any]) -> Any:
        """Call one of LLVM's own functions."""
        found = self.build.module.globals.get(name)
        if found is None:
            kind = ir.FunctionType(result, [arg.type for arg in args])
            found = ir.Function(self.build.module, kind, name)
        return self.build.call(found, args)


class Loop:
    """A loop that counts a 64-bit number up from 0 and carries values along, at least once around."""

    def __init__(self, emit: Emitter, stop: Any, carried: Sequence[Any]) -> None:
        """``carried`` are the values before the first turn; :attr:`values` those of the current one."""
        self._build = build = emit.build
        self._stop = stop
        before = build.block
        self._body = build.append_basic_block()
        build.branch(self._body)
        build.position_at_end(self._body)
        self.index = _phi(build, emit.number(0), before)
        self.values = [_phi(build, value, before) for value in carried]
        self._following = build.add(self.index, emit.number(1))

    def end(self, values: Sequence[Any]) -> None:
        """Close the loop; ``values`` are those of the next turn, and what is left behind the last."""
        build = self._build
        for phi, value in zip([self.index, *self.values], [self._following, *values], strict=True):
            phi.add_incoming(value, build.block)
        behind = build.append_basic_block()
        build.cbranch(build.icmp_signed("<", self._following, self._stop), self._body, behind)
        build.position_at_end(behind)


def _phi(build: Any, value: Any, block: Any) -> Any:
    phi = build.phi(value.type)
    phi.add_incoming(value, block)
    return phi
