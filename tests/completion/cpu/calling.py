"""Lets Python call a kernel, which only other kernels can."""

from collections.abc import Callable
from typing import Any, cast

import numba


def from_python(kernel: Any) -> Callable[..., Any]:
    """The kernel, callable."""

    def call(*args):
        return kernel(*args)

    return cast("Any", numba).njit(call, nogil=True)
