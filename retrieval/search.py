"""Search: the rankings of words, names and vectors over one snapshot, fused by reciprocal rank."""

import re
import time
from collections.abc import Callable, Mapping, Sequence

from retrieval.fuse import Fused, fuse, without_overlaps
from retrieval.lexical import LexicalIndex
from retrieval.lookups import StoredChunk
from retrieval.names import Typed, like_pattern
from retrieval.records import Found, Snippet, SymbolHit
from retrieval.snapshot import Snapshot

Dense = Callable[[str, int], list[Found]]
"""The nearest chunks to a text by their vectors; empty where there are none."""

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_MOST_NAMES = 32
"""Identifiers of a query that are looked up."""
_COMMON = 20
"""A name that is defined more often than this says nothing, unless it is all that was asked."""
_DEPTH = 4
"""Every ranking goes this many times as deep as what is wanted."""
_LEAST_DEPTH = 50
_NAMES_LOOKED_AT = 5_000
"""By a search for symbols, at most."""


def search(
    snapshot: Snapshot, query: str, k: int, *, dense: Dense | None = None, deadline: float | None = None
) -> list[Snippet]:
    """The ``k`` best pieces for words or code, best first, each place once.

    ``deadline`` is a time of ``time.monotonic``: rankings that have not begun by then are left out, names
    and words before vectors.
    """
    if k <= 0 or not query.strip():
        return []
    depth = max(_DEPTH * k, _LEAST_DEPTH)
    rankings: dict[str, Sequence[Found]] = {}
    kinds: Mapping[str, Callable[[], Sequence[Found]]] = {
        "symbols": lambda: symbol_ranking(snapshot, query, depth),
        "lexical": lambda: lexical_ranking(snapshot, query, depth),
        "dense": lambda: dense(query, depth) if dense else [],
    }
    for name, rank in kinds.items():
        if deadline is None or time.monotonic() < deadline:
            rankings[name] = rank()
    fused = fuse(rankings)
    stored = snapshot.chunks(one.chunk_id for one in fused)
    places = {chunk_id: (each.path, each.chunk.lines) for chunk_id, each in stored.items()}
    return [_snippet(one, stored[one.chunk_id]) for one in without_overlaps(fused, places, k=k)]


def lexical_ranking(snapshot: Snapshot, query: str, k: int) -> list[Found]:
    """Chunks by BM25 over the terms of ``query``, unsaved ones among them."""
    return snapshot.with_unsaved(query, LexicalIndex(snapshot.connection).search(query, k))


def symbol_ranking(snapshot: Snapshot, query: str, k: int) -> list[Found]:
    """Chunks that define the identifiers of ``query``, those of the rarest names first."""
    names = list(dict.fromkeys(_IDENTIFIER.findall(query)))
    counts = snapshot.definition_counts(names)
    telling = [
        name for name in names if counts.get(name, 0) > 0 and (counts[name] <= _COMMON or len(names) == 1)
    ]
    rarest = sorted(telling, key=lambda name: counts[name])[:_MOST_NAMES]
    found: dict[int, float] = {}
    for name in rarest:
        for chunk_id in snapshot.chunks_defining(name, min(k, _COMMON)):
            found.setdefault(chunk_id, 1.0 / counts[name])
    return [Found(chunk_id, score) for chunk_id, score in found.items()][:k]


def find_symbols(snapshot: Snapshot, typed: str, k: int) -> list[SymbolHit]:
    """The ``k`` definitions whose names fit best what was typed; shorter names first, then by path."""
    names = snapshot.names_like(like_pattern(typed), _NAMES_LOOKED_AT)
    asked = Typed(typed)
    how = {name: asked.begins(name) for name in names}
    if sum(fitting is not None for fitting in how.values()) < k:  # else nothing that fits otherwise is told
        how = {name: asked.lies_in(name) if each is None else each for name, each in how.items()}
    fitting = sorted((each, len(name), name) for name, each in how.items() if each is not None)[:k]
    found = snapshot.definitions_of([name for _, _, name in fitting])
    return [hit for _, _, name in fitting for hit in found.get(name, ())][:k]


def _snippet(one: Fused, stored: StoredChunk) -> Snippet:
    chunk = stored.chunk
    return Snippet(
        path=stored.path,
        language=stored.language,
        kind=chunk.kind,
        name=chunk.name,
        lines=chunk.lines,
        text=chunk.text,
        score=one.score,
        parts=one.parts,
    )
