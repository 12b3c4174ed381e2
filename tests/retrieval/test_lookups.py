"""Questions to the catalogue, against the records that were written."""

import pytest

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.reading import read
from retrieval.records import FileKey
from retrieval.refresh import Held, Stat
from retrieval.rows import Parsed, put_files
from retrieval.syntax import SyntaxReader

COUNT = 700
"""More than one statement takes."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    catalog = Catalog(tmp_path_factory.mktemp("lookups") / "catalog.sqlite")
    catalog.prepare()
    files = []
    for number in range(COUNT):
        text = "from a import b as c\n\n\n"
        text += f"class K{number}:\n    def go(self):\n        return f{number}(same(1))\n"
        held = Held(FileKey(f"{number:03}.py", "python", str(number)), Stat(number, number))
        files.append(Parsed(held, *read(text, "python", SyntaxReader())))
    with catalog.writing() as connection:
        put_files(connection, files)
        yield connection, files
    catalog.close()


def test_everything_comes_back(written):
    connection, files = written
    assert lookups.held_files(connection) == {each.held.key.path: each.held for each in files}
    assert lookups.paths(connection) == {each.held.key.path for each in files}
    assert [lookups.outline(connection, each.held.key.path) for each in files[:20]] == [
        each.outline for each in files[:20]
    ]
    assert lookups.outline(connection, "absent.py") is None
    ids = lookups.chunk_ids(connection)
    found = lookups.chunks_by_id(connection, [*ids, 10**9])
    assert found.keys() == ids
    assert sorted(each.chunk.text for each in found.values()) == sorted(
        c.text for each in files for c in each.chunks
    )
    assert lookups.counts(connection) == (COUNT, len(ids), 2 * COUNT, 0)
    assert lookups.languages(connection) == {"python": COUNT}
    assert {each[2] for each in lookups.all_imports(connection)} == {files[0].outline.imports[0]}


def test_names(written):
    connection, _ = written
    names = [f"K{number}" for number in range(COUNT)]
    assert lookups.definition_counts(connection, [*names, "go", "no"]) == {
        **dict.fromkeys(names, 1),
        "go": COUNT,
    }
    assert [hit.path for hit in lookups.definitions_named(connection, "K42.go")] == ["042.py"]
    assert [hit.path for hit in lookups.definitions_named(connection, "go")] == sorted(
        lookups.paths(connection)
    )
    assert lookups.names_like(connection, "K1%", 3) == ["K1", "K10", "K11"]
    assert lookups.names_like(connection, "K\\_%", 3) == []
    assert [use.path for use in lookups.callers_of(connection, "same", 2)] == ["000.py", "001.py"]
    (chunk_id,) = lookups.chunks_defining(connection, "K42", 5)
    assert "class K42" in lookups.chunks_by_id(connection, [chunk_id])[chunk_id].chunk.text
    assert len(lookups.chunks_defining(connection, "go", 7)) == 7


def test_portions_are_the_whole():
    items = range(1_234)
    assert [one for some in lookups.portions(items) for one in some] == list(items)
    assert max(map(len, lookups.portions(items))) <= 999
    assert list(lookups.portions([])) == []
