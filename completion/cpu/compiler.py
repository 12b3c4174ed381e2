"""Compiles kernels with Numba, once a machine: what was compiled is kept in the user's cache.

Numba looks at the file of a kernel, not at what it calls, to know whether the kept code is of
use; the folder's name therefore carries a hash of this package's sources.
"""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import event
from platformdirs import user_cache_path

from completion.cpu.compiled import keep

P = ParamSpec("P")
R = TypeVar("R")

_HERE = Path(__file__).parent


def kernels_dir() -> Path:
    """Where compiled kernels of these very sources are kept."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return user_cache_path("splice", appauthor=False) / "kernels" / digest.hexdigest()[:16]


FAST = frozenset({"contract", "reassoc", "nsz", "arcp", "afn"})
"""Sums may be reordered; infinities and NaN stay what they are."""

_njit = partial(
    cast("Any", numba).njit, nogil=True, fastmath=set(FAST), error_model="numpy", boundscheck=False
)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """A function for other kernels to call. Runs without the interpreter's lock, checks no bounds."""
    return _njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel to call from Python; kept compiled."""
    compiled = _njit(function, no_cfunc_wrapper=True)
    keep(compiled, kernels_dir())
    return compiled


def compile_beside(name: str, task: Callable[[], None]) -> None:
    """Run ``task``, which compiles kernels, on a thread called ``name`` that is no daemon, whoever asks.

    The interpreter waits for it at the end: a thread that it would stop inside of LLVM or torch takes
    the process down with an abort. Nobody waits long: compilation breaks off when the main thread ends.
    """
    threading.Thread(target=_run, args=(task,), name=name, daemon=False).start()


class _Stopped(BaseException):
    """The process is ending: what is being compiled is of no use."""


class _Watch(event.Listener):
    """Looks before each pass of Numba's compiler whether anybody still wants the code."""

    def on_start(self, event: object) -> None:  # noqa: ARG002 # Numba's interface
        if not threading.main_thread().is_alive():
            raise _Stopped

    def on_end(self, event: object) -> None:
        pass


def _run(task: Callable[[], None]) -> None:
    with suppress(_Stopped):
        task()


cast("Any", event).register("numba:run_pass", _Watch())
