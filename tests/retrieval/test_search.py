"""Rankings over one snapshot."""

import pytest

from retrieval.index import RepositoryIndex
from retrieval.records import Found
from retrieval.search import find_symbols, lexical_ranking, search, symbol_ranking
from retrieval.snapshot import Snapshot
from tests.retrieval.repositories import FILES, config_in, make_repository


@pytest.fixture
def snapshot(tmp_path):
    common = {f"c{number:02}.py": "def common():\n    pass\n" for number in range(21)}
    files = {**FILES, **common, "u.py": "def ärger():\n    pass\n"}
    index = RepositoryIndex(make_repository(tmp_path / "shop", files), config_in(tmp_path))
    index.refresh()
    with index.catalog.reading() as connection:
        yield Snapshot(connection, {})
    index.close()


@pytest.mark.parametrize(
    ("query", "k"), [("", 5), (" \n", 5), ("price", 0), ("(((", 5), ("\ud800", 5), ("a\0b", 5)]
)
def test_nothing_is_found_for_nothing(snapshot, query, k):
    assert search(snapshot, query, k) == []


def test_the_best_k_are_the_beginning_of_the_best_of_more(snapshot):
    more = search(snapshot, "price cart discount", 10)
    assert search(snapshot, "price cart discount", 2) == more[:2]
    assert [each.score for each in more] == sorted((each.score for each in more), reverse=True)


def test_vectors_are_one_ranking_and_unknown_ids_are_left_out(snapshot):
    wanted = lexical_ranking(snapshot, "zebras", 1)[0].chunk_id
    found = search(snapshot, "checkout", 5, dense=lambda query, k: [Found(10**9, 1.0), Found(wanted, 0.5)])
    assert next(each for each in found if each.path == "README.md").parts == {"dense": pytest.approx(1 / 62)}


def test_a_name_that_everybody_defines_counts_alone_only(snapshot):
    assert len(symbol_ranking(snapshot, "common", 50)) == 20
    both = symbol_ranking(snapshot, "common checkout", 50)
    assert [snapshot.chunks([each.chunk_id])[each.chunk_id].chunk.name for each in both] == ["checkout"]


def test_symbols_fit_in_any_alphabet(snapshot):
    for typed in ("ärger", "ÄRGER", "Är", "rg"):
        assert [hit.path for hit in find_symbols(snapshot, typed, 5)] == ["u.py"]
    assert len(find_symbols(snapshot, "co", 4)) == 4
    assert find_symbols(snapshot, "%", 5) == []
