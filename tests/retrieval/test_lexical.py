"""BM25 in the catalogue's database; a plain computation of the formula is the oracle."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from retrieval.lexical import LexicalIndex, within_budget
from retrieval.records import Found
from retrieval.words import terms

TEXTS = {
    1: "def get_user(name): return users[name]",
    2: "class UserStore: def getUser(self, name, fallback): ...",
    3: "import os\nprint(os.sep)",
    2**40: "users users users and more users of the store",
}


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as connection:
        yield connection


@pytest.fixture
def index(connection: Connection) -> LexicalIndex:
    index = LexicalIndex(connection)
    index.create()
    return index


def bm25(texts: dict[int, str], query: str) -> dict[int, float]:
    """Robertson's formula as SQLite's documentation writes it; terms in more than half weigh 1e-6."""
    documents = {one: terms(content) for one, content in texts.items()}
    mean = sum(map(len, documents.values())) / len(documents)
    scores: dict[int, float] = {}
    for one, words in documents.items():
        counts = Counter(words)
        for term in set(terms(query)) & set(words):
            holders = sum(term in other for other in documents.values())
            idf = max(1e-6, math.log((len(documents) - holders + 0.5) / (holders + 0.5)))
            weight = counts[term] * 2.2 / (counts[term] + 1.2 * (0.25 + 0.75 * len(words) / mean))
            scores[one] = scores.get(one, 0.0) + idf * weight
    return scores


def assert_is_bm25(found: list[Found], texts: dict[int, str], query: str) -> None:
    assert dict(found) == pytest.approx(bm25(texts, query), rel=1e-4, abs=1e-9)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


WORDS = st.lists(
    st.sampled_from(["alpha", "beta", "gammaDelta", "gamma_delta", "sum_1", "größe", "猫", "other"]),
    max_size=9,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(1, 50), WORDS.map(" ".join), min_size=1), st.data())
def test_is_bm25_after_adds_and_removes(texts: dict[int, str], data: st.DataObject):
    with create_engine("sqlite://").connect() as connection:
        index = LexicalIndex(connection)
        index.create()
        index.add(texts.items())
        gone = data.draw(st.sets(st.sampled_from(sorted(texts)), max_size=len(texts) - 1))
        index.remove(gone)
        left = {one: content for one, content in texts.items() if one not in gone}
        query = " ".join(data.draw(WORDS))
        assert_is_bm25(index.search(query, 99), left, query) if any(map(terms, left.values())) else None
        counted = dict(
            connection.execute(text("SELECT term, documents FROM lexical_terms WHERE documents > 0")).all()
        )
        assert counted == Counter(term for content in left.values() for term in set(terms(content)))


def test_finds_identifiers_however_they_are_written(index: LexicalIndex):
    index.add(TEXTS.items())
    assert next(found.chunk_id for found in index.search("UserStore", 9)) == 2
    assert {found.chunk_id for found in index.search("store_of_users", 9)} == {1, 2, 2**40}
    assert index.search("sep", 9)[0].chunk_id == 3
    assert len(index.search("user users name os", 2)) == 2


@settings(deadline=None)
@given(
    st.text()
    | st.sampled_from(['"', 'a" OR b', "NEAR(a b)", "a*", "-x", "^y", "col:z", "\0", "\ud800", "'; DROP"])
)
def test_any_text_is_a_query(query: str):
    with create_engine("sqlite://").connect() as connection:
        index = LexicalIndex(connection)
        index.create()
        index.add([(1, query), (2, "x y z near or")])
        found = {one.chunk_id for one in index.search(query, 5)}
        assert (1 in found) == bool(terms(query))


def test_nothing_is_found_for_nothing(index: LexicalIndex):
    assert index.search("user", 5) == []
    index.add([])
    index.add(TEXTS.items())
    assert index.search("", 5) == index.search("return the", 5) == index.search("user", 0) == []


def test_removing_what_is_not_there_changes_nothing(index: LexicalIndex):
    index.add(TEXTS.items())
    before = index.search("user name", 9)
    index.remove([99, 98])
    index.remove([])
    assert index.search("user name", 9) == before


def test_a_thousand_are_removed_at_once(index: LexicalIndex):
    index.add((n, f"word_{n} shared") for n in range(1_500))
    index.remove(range(1_400))
    assert len(index.search("shared", 2_000)) == 100
    assert index.search("word_7", 5)[0].chunk_id >= 1_400


def test_lives_in_the_transaction_of_the_catalogue(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'catalogue'}")
    with engine.begin() as connection:
        LexicalIndex(connection).create()
        LexicalIndex(connection).create()
        LexicalIndex(connection).add([(1, "kept")])
    with engine.connect() as connection:
        LexicalIndex(connection).add([(2, "dropped")])
        connection.rollback()
    with engine.connect() as connection:
        index = LexicalIndex(connection)
        assert (len(index.search("kept", 5)), index.search("dropped", 5)) == (1, [])


def test_a_query_takes_its_rarest_terms():
    assert within_budget({"common": 50_000}) == ["common"]
    assert within_budget({"common": 50_000, "rare": 2, "seldom": 30}) == ["rare", "seldom"]
    many = {f"t{n:02}": n for n in range(1, 60)}
    assert within_budget(many) == sorted(many)[:24]
    assert within_budget({}) == []
