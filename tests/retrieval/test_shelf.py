"""Vectors in memory and in their file; the catalogue can always make them anew."""

import numpy as np
import pytest

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.reading import read
from retrieval.records import FileKey
from retrieval.refresh import Held, Stat
from retrieval.rows import Parsed, chunk_digest, drop_files, put_files, put_vectors
from retrieval.shelf import Shelf, matrix
from retrieval.syntax import SyntaxReader

DIMENSION = 8


def vector(chunk_id: int) -> np.ndarray:
    row = np.random.default_rng(chunk_id).standard_normal(DIMENSION).astype(np.float32)
    return row / np.linalg.norm(row)


@pytest.fixture
def catalog(tmp_path):
    made = Catalog(tmp_path / "catalog.sqlite")
    made.prepare()
    with made.writing() as connection:
        for name in "abc":
            text = f"def {name}():\n    pass\n"
            parts = read(text, "python", SyntaxReader())
            put_files(connection, [Parsed(Held(FileKey(name, "python", name), Stat(1, 1)), *parts)])
            (stored,) = lookups.chunks_of(connection, name)
            put_vectors(connection, [(chunk_digest(stored.chunk), vector(stored.id).tobytes())])
    yield made
    made.close()


def opened(catalog, path):
    shelf = Shelf(path, DIMENSION)
    shelf.open(catalog)
    return shelf


def assert_right(catalog, shelf):
    with catalog.reading() as connection:
        ids = lookups.chunk_ids(connection)
    assert len(shelf) == len(ids)
    for one in ids:
        assert shelf.search(vector(one), 1)[0].chunk_id == one


@pytest.mark.parametrize("damage", ["none", "missing", "cut", "garbage", "empty", "other dimension"])
def test_it_holds_what_the_catalogue_holds_whatever_the_file_is(catalog, tmp_path, damage):
    path = tmp_path / "vectors"
    opened(catalog, path).save()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif damage in {"garbage", "empty"}:
        path.write_bytes(b"x" * 500 if damage == "garbage" else b"")
    elif damage == "other dimension":
        other = Shelf(path, 3)
        other.add([1], np.ones((1, 3), np.float32))
        other.save()
    shelf = opened(catalog, path)
    assert_right(catalog, shelf)
    shelf.save()
    assert_right(catalog, opened(catalog, path))


def test_a_file_that_is_behind_or_ahead_is_brought_to_the_catalogue(catalog, tmp_path):
    path = tmp_path / "vectors"
    behind = opened(catalog, path)
    behind.remove([1])
    behind.save()
    assert_right(catalog, opened(catalog, path))
    opened(catalog, path).save()
    with catalog.writing() as connection:
        drop_files(connection, ["b"])
    assert_right(catalog, opened(catalog, path))


def test_saving_writes_only_what_changed(catalog, tmp_path):
    path = tmp_path / "vectors"
    shelf = opened(catalog, path)
    shelf.save()
    path.unlink()
    shelf.save()
    shelf.add([], np.empty((0, DIMENSION), np.float32))
    shelf.remove([99])
    shelf.save()
    assert not path.exists()
    shelf.remove([1])
    shelf.save()
    assert path.exists()


def test_stored_vectors_become_a_matrix():
    rows = matrix([vector(1).tobytes(), vector(2).tobytes()], DIMENSION)
    assert np.array_equal(rows, np.stack([vector(1), vector(2)]))
    assert matrix([], DIMENSION).shape == (0, DIMENSION)
