"""The best instructions that a processor has are the ones chosen."""

import pytest

from completion.cpu.target import AVX2, AVX512_VNNI, AVX_VNNI, PLAIN, Target, best_of, host


@pytest.mark.parametrize(
    ("features", "target"),
    [
        ({"avx2", "fma", "avxvnni", "avx512f", "avx512bw", "avx512vnni"}, AVX512_VNNI),
        ({"avx2", "fma", "avx512f", "avx512bw"}, AVX2),
        ({"avx2", "fma", "avxvnni"}, AVX_VNNI),
        ({"avx2", "fma"}, AVX2),
        ({"avx2"}, PLAIN),
        ({"neon"}, PLAIN),
        (set[str](), PLAIN),
    ],
)
def test_the_best_there_is(features: set[str], target: Target) -> None:
    assert best_of(frozenset(features)) == target


def test_this_machine_has_one() -> None:
    assert host() in (AVX512_VNNI, AVX_VNNI, AVX2, PLAIN)
    assert host() is host()
