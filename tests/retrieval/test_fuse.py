"""Rankings made into one."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import Fused, fuse, without_overlaps
from retrieval.records import Found, Lines

IDS = st.lists(st.integers(1, 20), unique=True)


def ranking(ids: list[int]) -> list[Found]:
    return [Found(one, 100.0 - n) for n, one in enumerate(ids)]


def test_the_formula():
    fused = fuse({"dense": ranking([1, 2]), "lexical": ranking([2, 3])}, {"lexical": 2.0})
    assert fused == [
        Fused(2, 1 / 62 + 2 / 61, {"dense": 1 / 62, "lexical": 2 / 61}),
        Fused(3, 2 / 62, {"lexical": 2 / 62}),
        Fused(1, 1 / 61, {"dense": 1 / 61}),
    ]


@given(IDS)
def test_one_ranking_keeps_its_order(ids: list[int]):
    assert [one.chunk_id for one in fuse({"only": ranking(ids)})] == ids


@given(IDS, IDS, st.floats(0.1, 3))
def test_laws(a: list[int], b: list[int], weight: float):
    fused = fuse({"a": ranking(a), "b": ranking(b)}, {"a": weight})
    assert {one.chunk_id for one in fused} == {*a, *b}
    assert len(fused) == len({*a, *b})
    assert all(one.score == sum(one.parts.values()) for one in fused)
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)
    assert fuse({"b": ranking(b), "a": ranking(a)}, {"a": weight}) == fused


def test_a_chunk_named_twice_counts_once():
    assert fuse({"a": ranking([5, 5, 6])})[1].score == 1 / 62


def test_nothing_fuses_to_nothing():
    assert fuse({}) == fuse({"a": []}) == []


PLACES = {
    1: ("a.py", Lines(0, 10)),
    2: ("a.py", Lines(2, 5)),
    3: ("a.py", Lines(8, 20)),
    4: ("b.py", Lines(0, 10)),
    5: ("a.py", Lines(10, 12)),
    6: ("c.py", Lines(3, 3)),
    7: ("c.py", Lines(3, 3)),
}


def kept(ids: list[int], k: int | None = None) -> list[int]:
    return [one.chunk_id for one in without_overlaps(fuse({"a": ranking(ids)}), PLACES, k=k)]


def test_overlaps_of_one_file_are_one_result():
    assert kept([1, 2, 3, 4]) == [1, 3, 4]
    assert kept([2, 1, 4]) == [2, 4]
    assert kept([1, 5]) == [1, 5]
    assert kept([6, 7]) == [6]


def test_only_so_many_are_kept_and_unknown_places_none():
    assert kept([1, 2, 3, 4], k=2) == [1, 3]
    assert kept([9, 1, 4], k=1) == [1]
    assert kept([1], k=0) == []
