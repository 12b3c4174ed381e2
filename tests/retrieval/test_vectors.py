"""Vectors by id: exact search with numpy is the oracle."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.errors import CorruptIndex
from retrieval.records import Found
from retrieval.vectors import VectorIndex

DIMENSION = 24


def unit(seed: int, count: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact(held: dict[int, NDArray[np.float32]], query: NDArray[np.float32], k: int) -> list[Found]:
    scored = [Found(one, float(vector @ query)) for one, vector in held.items()]
    return sorted(scored, key=lambda found: (-found.score, found.chunk_id))[:k]


def assert_same(found: list[Found], expected: list[Found]) -> None:
    assert [one.chunk_id for one in found] == [one.chunk_id for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equals_exact_search_after_adds_and_removes(seed: int):
    """1,000 vectors, then some replaced and some removed and new ones added, in random order."""
    chance = np.random.default_rng(seed)
    index, held = VectorIndex(DIMENSION), dict[int, NDArray[np.float32]]()
    for step, count in enumerate([1_000, *chance.integers(1, 200, 6)]):
        ids = [int(i) for i in chance.choice(10**12 if step == 0 else 3_000, int(count), replace=False)]
        vectors = unit(seed + step, len(ids))
        index.add(ids, vectors)
        held.update(zip(ids, vectors, strict=True))
        gone = [int(i) for i in chance.choice(list(held), int(chance.integers(0, 150)), replace=False)]
        index.remove([*gone, -5])
        held = {one: vector for one, vector in held.items() if one not in set(gone)}
        assert len(index) == len(held)
    assert index.is_exact
    for query in unit(seed + 99, 3):
        assert_same(index.search(query, 10), exact(held, query, 10))


def test_cells_find_nearly_all_and_forget_what_is_removed(tmp_path: Path):
    """Vectors with structure, as embeddings have; the recall is against exact search."""
    chance = np.random.default_rng(5)
    centres = unit(6, 60)
    rows = centres[chance.integers(0, 60, 4_000)] + 0.6 * unit(7, 4_000)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    index = VectorIndex(DIMENSION, exact_below=2_000)
    index.add(range(100, 3_100), rows[:3_000])
    assert not index.is_exact
    index.add(range(3_100, 4_100), rows[3_000:])
    index.remove(range(100, 600))
    held = {100 + n: rows[n] for n in range(500, 4_000)}
    assert len(index) == len(held)
    index.save(tmp_path / "vectors")
    loaded = VectorIndex.load(tmp_path / "vectors", exact_below=2_000)
    hits = 0
    for query in rows[::100]:
        found = index.search(query, 10)
        assert {one.chunk_id for one in found} <= set(held)
        assert found == loaded.search(query, 10)
        hits += len({f.chunk_id for f in found} & {f.chunk_id for f in exact(held, query, 10)})
    assert hits / (len(rows[::100]) * 10) > 0.9
    assert 4_099 in loaded
    assert 100 not in loaded
    loaded.remove(held)
    assert len(loaded) == 0
    assert loaded.search(rows[0], 3) == []


def test_saved_and_loaded(tmp_path: Path):
    index = VectorIndex(DIMENSION)
    index.add([7, 3, 2**40], unit(1, 3))
    index.save(tmp_path / "new" / "vectors")
    loaded = VectorIndex.load(tmp_path / "new" / "vectors")
    assert (loaded.dimension, len(loaded), 2**40 in loaded, 8 in loaded) == (DIMENSION, 3, True, False)
    assert loaded.search(unit(1, 3)[1], 3) == index.search(unit(1, 3)[1], 3)
    loaded.remove([3])
    loaded.add([9], unit(2, 1))
    assert {found.chunk_id for found in loaded.search(unit(2, 1)[0], 9)} == {7, 9, 2**40}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["vectors"]


@pytest.mark.parametrize("place", [0, 9, 20, 50, -1])
def test_any_damaged_byte_is_noticed(tmp_path: Path, place: int):
    path = tmp_path / "vectors"
    VectorIndex(DIMENSION).save(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptIndex, match="made anew"):
        VectorIndex.load(path)


@pytest.mark.parametrize("length", [0, 10, 70])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, length: int):
    path = tmp_path / "vectors"
    VectorIndex(DIMENSION).save(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptIndex, match="made anew"):
        VectorIndex.load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(CorruptIndex, match="cannot be read"):
        VectorIndex.load(tmp_path / "none")


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "vectors"
    index = VectorIndex(DIMENSION)
    index.add([1], unit(1, 1))
    index.save(path)
    index.add([2], unit(2, 1))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="space"):
            index.save(path)
    assert len(VectorIndex.load(path)) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("ids", "vectors", "said"),
    [
        ([1], unit(1, 2), "do not fit"),
        ([1], unit(1, 1, DIMENSION + 1), "do not fit"),
        ([1, 1], unit(1, 2), "twice"),
        ([1], np.full((1, DIMENSION), np.nan, np.float32), "not finite"),
    ],
)
def test_what_does_not_fit_changes_nothing(ids: list[int], vectors: NDArray[np.float32], said: str):
    index = VectorIndex(DIMENSION)
    index.add([1], unit(3, 1))
    with pytest.raises(ValueError, match=said):
        index.add(ids, vectors)
    assert_same(index.search(unit(3, 1)[0], 5), [Found(1, 1.0)])


def test_edges():
    index = VectorIndex(DIMENSION)
    assert index.search(unit(1, 1)[0], 5) == []
    index.add([], np.empty((0, DIMENSION), np.float32))
    assert len(index) == 0
    index.add([4], unit(1, 1))
    assert index.search(unit(1, 1)[0], 0) == []
    with pytest.raises(ValueError, match="looked up"):
        index.search(unit(1, 1, 5)[0], 1)
    with pytest.raises(ValueError, match="dimension"):
        VectorIndex(0)
