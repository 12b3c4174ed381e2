"""BM25 over the terms of chunks (Robertson and Zaragoza 2009), on SQLite's FTS5.

The index lives in the database of the catalogue and in its transactions: nothing here commits. What a chunk
says is kept as its terms, so that it can be taken out by its id alone. A query of many lines is cut to its
rarest terms, because what it costs is the number of chunks that hold them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, text

from retrieval.records import Found
from retrieval.words import terms

_MOST_TERMS = 24
"""Of a query that are looked up."""
_MOST_MATCHES = 5_000
"""Chunks that the terms of a query may name in all; the rarest term is looked up whatever it names."""
_AT_ONCE = 500
"""Ids in one statement; SQLite's oldest limit is 999."""

_CREATE = (
    (
        "CREATE VIRTUAL TABLE IF NOT EXISTS lexical USING fts5("
        "terms, detail='full', tokenize=\"ascii tokenchars '_'\")"
    ),
    (
        "CREATE TABLE IF NOT EXISTS lexical_terms("
        "term TEXT PRIMARY KEY, documents INTEGER NOT NULL) WITHOUT ROWID"
    ),
)
_ADD = "INSERT INTO lexical(rowid, terms) VALUES (?, ?)"
_COUNT = (
    "INSERT INTO lexical_terms(term, documents) VALUES (?, ?) "
    "ON CONFLICT(term) DO UPDATE SET documents = documents + excluded.documents"
)
_READ = text("SELECT terms FROM lexical WHERE rowid IN :ids").bindparams(bindparam("ids", expanding=True))
_REMOVE = text("DELETE FROM lexical WHERE rowid IN :ids").bindparams(bindparam("ids", expanding=True))
_FREQUENCIES = text(
    "SELECT term, documents FROM lexical_terms WHERE documents > 0 AND term IN :terms"
).bindparams(bindparam("terms", expanding=True))
_SEARCH = text(
    "SELECT rowid, -bm25(lexical) AS score FROM lexical WHERE lexical MATCH :query "
    "ORDER BY score DESC, rowid LIMIT :k"
)


class LexicalIndex:
    """Chunks by their terms. Reads and writes through ``connection``, in whatever transaction it is in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self) -> None:
        """Make the tables, unless they are there."""
        for statement in _CREATE:
            self._connection.execute(text(statement))

    def add(self, items: Iterable[tuple[int, str]]) -> None:
        """Add ``(chunk id, text)``. An id that is there already raises SQLAlchemy's IntegrityError."""
        rows = [(chunk_id, terms(content)) for chunk_id, content in items]
        if not rows:
            return
        added = [(chunk_id, " ".join(found)) for chunk_id, found in rows]
        self._connection.exec_driver_sql(_ADD, added)
        counts: Counter[str] = Counter()
        for _, found in rows:
            counts.update(set(found))
        self._count(counts)

    def remove(self, ids: Iterable[int]) -> None:
        """Take chunks out. An id that is not there is none of our business."""
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            lost: Counter[str] = Counter()
            for (found,) in self._connection.execute(_READ, {"ids": some}):
                lost.subtract(set(str(found).split()))
            self._connection.execute(_REMOVE, {"ids": some})
            self._count(lost)

    def search(self, text: str, k: int) -> list[Found]:
        """The ``k`` best chunks for any text, best first; the score is BM25 with k1 1.2 and b 0.75."""
        chosen = self.rarest(terms(text))
        if not chosen or k <= 0:
            return []
        query = " OR ".join(f'"{term}"' for term in chosen)
        rows = self._connection.execute(_SEARCH, {"query": query, "k": k})
        return [Found(int(row[0]), float(row[1])) for row in rows]

    def rarest(self, wanted: Sequence[str]) -> list[str]:
        """The terms that a search for all of them looks up, rarest first; terms of no chunk are left out."""
        known: dict[str, int] = {}
        names = sorted(set(wanted))
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            known.update(
                (str(row[0]), int(row[1])) for row in self._connection.execute(_FREQUENCIES, {"terms": some})
            )
        return within_budget(known)

    def _count(self, changes: Counter[str]) -> None:
        if changes:
            self._connection.exec_driver_sql(_COUNT, sorted(changes.items()))


def within_budget(frequencies: dict[str, int]) -> list[str]:
    """The rarest of the terms whose chunks together are few enough, given the chunks that hold each."""
    by_rarity = sorted(frequencies, key=lambda term: (frequencies[term], term))[:_MOST_TERMS]
    chosen: list[str] = []
    matches = 0
    for term in by_rarity:
        matches += frequencies[term]
        if chosen and matches > _MOST_MATCHES:
            break
        chosen.append(term)
    return chosen
