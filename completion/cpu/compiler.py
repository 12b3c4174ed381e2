"""Compiles kernels with Numba, once a machine: what was compiled is kept in the user's cache.

Numba looks at the file of a kernel, not at what it calls, to know whether the kept code is of
use; the folder's name therefore carries a hash of this package's sources.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
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
