"""Writing files into the catalogue: laws over what is held before and after."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.reading import read
from retrieval.records import Chunk, ChunkKind, FileKey, Lines
from retrieval.refresh import Held, Stat
from retrieval.rows import (
    Parsed,
    chunk_digest,
    drop_files,
    drop_unused_vectors,
    drop_vectors,
    put_files,
    put_meta,
    put_stats,
    put_vectors,
)
from retrieval.syntax import SyntaxReader

BODIES = st.lists(st.sampled_from(["one", "two", "three", "four"]), max_size=5)
LAWS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def catalog(tmp_path):
    made = Catalog(tmp_path / "catalog.sqlite")
    made.prepare()
    yield made
    made.close()


def parsed(path: str, names: list[str]) -> Parsed:
    text = "import os\n\n\n" + "".join(f"def {name}():\n    return os.{name}()\n\n\n" for name in names)
    return Parsed(
        Held(FileKey(path, "python", str(names)), Stat(len(text), 5)), *read(text, "python", SyntaxReader())
    )


def held_ids(connection, path):
    return {each.id: each.chunk for each in lookups.chunks_of(connection, path)}


@LAWS
@given(before=BODIES, after=BODIES)
def test_what_is_written_is_what_is_read_and_content_keeps_its_id(catalog, before, after):
    with catalog.writing() as connection:
        put_files(connection, [parsed("a.py", before), parsed("b.py", ["one"])])
        old, other = held_ids(connection, "a.py"), held_ids(connection, "b.py")
        changed = put_files(connection, [parsed("a.py", after)])
        new = held_ids(connection, "a.py")
        assert new.keys() == (old.keys() - set(changed.removed)) | set(changed.added)
        assert not old.keys() & set(changed.added)
        assert list(new.values()) == sorted(parsed("a.py", after).chunks, key=lambda each: each.lines)
        was = sorted(chunk_digest(chunk) for chunk in old.values())
        now = sorted(chunk_digest(chunk) for chunk in new.values())
        common = sum(min(was.count(each), now.count(each)) for each in set(was))
        assert len(old.keys() & new.keys()) == common
        assert lookups.outline(connection, "a.py") == parsed("a.py", after).outline
        assert held_ids(connection, "b.py") == other
        assert lookups.lexical_differences(connection) == (0, 0)


def test_a_file_that_is_dropped_leaves_nothing(catalog):
    with catalog.writing() as connection:
        added = put_files(connection, [parsed("a.py", ["one", "two"])]).added
        assert set(drop_files(connection, ["a.py", "absent.py"]).removed) == set(added)
        assert lookups.counts(connection) == (0, 0, 0, 0)
        assert lookups.lexical_differences(connection) == (0, 0)
        assert lookups.callers_of(connection, "one", 9) == list(lookups.all_imports(connection)) == []
        assert min(put_files(connection, [parsed("a.py", ["one"])]).added) > max(added)


def test_many_files_at_once(catalog):
    """More than one statement takes."""
    names = [f"{number}.py" for number in range(600)]
    with catalog.writing() as connection:
        put_files(connection, [parsed(name, ["one"]) for name in names])
        assert lookups.paths(connection) == set(names)
        assert len(drop_files(connection, names).removed) == 1_200
        assert lookups.paths(connection) == set()


def test_stats_change_nothing_else(catalog):
    with catalog.writing() as connection:
        put_files(connection, [parsed("a.py", ["one"]), parsed("b.py", [])])
        before = lookups.held_files(connection)
        put_stats(connection, [Held(before["a.py"].key, Stat(7, -1))])
        assert lookups.held_files(connection) == {**before, "a.py": Held(before["a.py"].key, Stat(7, -1))}


def test_what_is_remembered_is_replaced_and_a_path_may_have_any_bytes(catalog):
    with catalog.writing() as connection:
        put_meta(connection, "root", "old")
        put_meta(connection, "root", "/caf\udce9")
        assert lookups.meta(connection, "root") == "/caf\\udce9"
        assert lookups.meta(connection, "absent") is None


def test_vectors_go_when_no_file_has_their_content(catalog):
    with catalog.writing() as connection:
        put_files(connection, [parsed("a.py", ["one"]), parsed("b.py", ["one", "two"])])
        digests = {digest for _, digest in _digests(connection)}
        put_vectors(connection, [(digest, b"old") for digest in digests])
        put_vectors(connection, [(digest, b"new") for digest in digests])
        assert {vector for _, vector in lookups.vectors(connection)} == {b"new"}
        drop_files(connection, ["a.py"])
        assert drop_unused_vectors(connection) == 0
        drop_files(connection, ["b.py"])
        assert drop_unused_vectors(connection) == len(digests)
        put_vectors(connection, [("d", b"x")])
        put_vectors(connection, [])
        drop_vectors(connection)
        assert drop_unused_vectors(connection) == 0


def _digests(connection):
    return [
        (each.id, chunk_digest(each.chunk))
        for path in lookups.paths(connection)
        for each in lookups.chunks_of(connection, path)
    ]


def test_the_digest_is_of_content_and_not_of_the_place():
    chunk = Chunk(ChunkKind.LINES, Lines(0, 1), "x\ud800", "n")
    assert chunk_digest(chunk) == chunk_digest(Chunk(ChunkKind.LINES, Lines(5, 6), "x\ud800", "n"))
    others = [
        Chunk(ChunkKind.CLASS, Lines(0, 1), "x\ud800", "n"),
        Chunk(ChunkKind.LINES, Lines(0, 1), "x", "n"),
        Chunk(ChunkKind.LINES, Lines(0, 1), "x\ud800", "m"),
    ]
    assert len({chunk_digest(each) for each in (chunk, *others)}) == 4
