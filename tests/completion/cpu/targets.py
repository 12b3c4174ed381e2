"""The targets whose instructions this machine has."""

from typing import Any, cast

import llvmlite.binding as llvm

from completion.cpu.target import AVX2, AVX512_VNNI, AVX_VNNI, PLAIN, Target


def runnable() -> list[Target]:
    """Every target that can be tried here; 256-bit VNNI is part of AVX-512's as well."""
    has: dict[str, bool] = cast("Any", llvm).get_host_cpu_features()
    needs = {
        AVX512_VNNI: has.get("avx512vnni") and has.get("avx512bw"),
        AVX_VNNI: has.get("avxvnni") or (has.get("avx512vnni") and has.get("avx512vl")),
        AVX2: has.get("avx2") and has.get("fma"),
        PLAIN: True,
    }
    return [target for target, there in needs.items() if there]
