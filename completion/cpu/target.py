"""What the processor at hand can do, as far as the kernels care."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """Instructions to build kernels of.

    ``lanes`` 32-bit numbers fill a vector register, of which there are ``registers``.
    ``products`` is how sums of four 8-bit products are made: ``vnni`` in one instruction,
    ``madd`` by way of 16 bits (AVX2), ``plain`` in whatever the compiler finds.
    """

    name: str
    lanes: int
    registers: int
    products: str


AVX512_VNNI = Target("avx512-vnni", lanes=16, registers=32, products="vnni")
AVX_VNNI = Target("avx-vnni", lanes=8, registers=16, products="vnni")
AVX2 = Target("avx2", lanes=8, registers=16, products="madd")
PLAIN = Target("plain", lanes=8, registers=16, products="plain")


def best_of(features: frozenset[str]) -> Target:
    """The best target for a processor with these features, named as LLVM names them."""
    if {"avx512vnni", "avx512f", "avx512bw"} <= features:
        return AVX512_VNNI
    if "avxvnni" in features and "fma" in features:
        return AVX_VNNI
    if {"avx2", "fma"} <= features:
        return AVX2
    return PLAIN


@cache
def host() -> Target:
    """The target of this machine."""
    features: dict[str, bool] = cast("Any", llvm).get_host_cpu_features()
    return best_of(frozenset(name for name, has in features.items() if has))
