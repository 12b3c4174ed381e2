"""What the threads of a team agree with: a barrier, and a counter that hands out work.

Both spin: a pass meets at a barrier some two hundred times, each for about a microsecond. Who
waits longer gives its time slice away. Where one thread cannot come any more, :func:`give_up`
lets the others through: what they compute is of no use then, but they come to an end.
"""

# pyright: basic, reportCallIssue=false

from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from completion.cpu.compiler import kernel

_PATIENCE = 4_000
"""Looks at the barrier before the time slice is given away: some tens of microseconds."""

_LINE = 8
"""64-bit numbers in a cache line: counters of their own do not slow each other."""

ARRIVED, GENERATION, GIVEN_UP, FIRST_COUNTER = 0, _LINE, _LINE + 1, 2 * _LINE

_sched_yield = types.ExternalFunction("sched_yield", types.int32())


def new_state(counters: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The numbers that a team shares, for passes that take from ``counters`` counters."""
    return np.zeros(FIRST_COUNTER + counters, np.int64)


def give_up(state: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
    """Let nobody wait for the others any more, until the numbers are zero again."""
    state[GIVEN_UP] = 1


@intrinsic
def _fetch_add(_context: Any, address: Any, value: Any) -> Any:
    def emit(_codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
        pointer = build.inttoptr(args[0], ir.IntType(64).as_pointer())
        return build.atomic_rmw("add", pointer, args[1], "seq_cst")

    return types.int64(types.intp, types.int64), emit


@intrinsic
def _load(_context: Any, address: Any) -> Any:
    def emit(_codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
        pointer = build.inttoptr(args[0], ir.IntType(64).as_pointer())
        return build.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.intp), emit


@intrinsic
def _store(_context: Any, address: Any, value: Any) -> Any:
    def emit(codegen: Any, build: Any, _signature: Any, args: Sequence[Any]) -> Any:
        pointer = build.inttoptr(args[0], ir.IntType(64).as_pointer())
        build.store_atomic(args[1], pointer, "seq_cst", 8)
        return codegen.get_dummy_value()

    return types.void(types.intp, types.int64), emit


@intrinsic
def _relax(_context: Any) -> Any:
    """Tell the processor that this is a loop that waits."""

    def emit(codegen: Any, build: Any, _signature: Any, _args: Sequence[Any]) -> Any:
        if llvm.get_process_triple().startswith("x86"):
            kind, name = ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"
            found = build.module.globals.get(name)
            build.call(found if found is not None else ir.Function(build.module, kind, name), [])
        return codegen.get_dummy_value()

    return types.void(), emit


@kernel
def meet(state, threads):
    """Wait until all ``threads`` are here, or one has given up."""
    if threads == 1:
        return
    base = state.ctypes.data
    generation = _load(base + 8 * GENERATION)
    if _fetch_add(base + 8 * ARRIVED, 1) == threads - 1:
        _store(base + 8 * ARRIVED, 0)
        _store(base + 8 * GENERATION, generation + 1)
        return
    looks = 0
    while _load(base + 8 * GENERATION) == generation and _load(base + 8 * GIVEN_UP) == 0:
        _relax()
        looks += 1
        if looks > _PATIENCE:
            _sched_yield()


@kernel
def take(state, counter):
    """The next number of a counter, starting with 0; no two threads get the same."""
    return _fetch_add(state.ctypes.data + 8 * (FIRST_COUNTER + counter), 1)
