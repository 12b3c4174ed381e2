"""Giving chunks their vectors: a stage of its own, behind reading, a few chunks at a time."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from retrieval import lookups
from retrieval.catalog import Catalog, Connection
from retrieval.embed import Embedder
from retrieval.rows import put_vectors
from retrieval.shelf import Shelf, matrix

EMBEDDED_AT_ONCE = 32
"""Pieces of the first step."""
_MOST_AT_ONCE = 1_024
_STEP_S = 0.2
"""A step that took longer is followed by a smaller one: a write of another kind waits for one step."""


class Embedded(NamedTuple):
    """What one step did."""

    contents: int
    """0: nothing is left to do."""
    chunks: int
    """That have these contents."""
    last: int
    """The id of the chunk that the next step begins behind."""


def paced(size: int, seconds: float) -> int:
    """How many pieces the next step takes, after one of ``size`` that took ``seconds``."""
    if seconds > _STEP_S:
        return max(1, size // 2)
    return min(_MOST_AT_ONCE, size * 2) if seconds < _STEP_S / 3 else size


def embed_some(catalog: Catalog, shelf: Shelf, embedder: Embedder, most: int, *, after: int = 0) -> Embedded:
    """Embed the oldest ``most`` chunks without a vector, from behind the chunk ``after``, and keep them.

    They are searchable at once; equal contents are embedded once. The caller holds the index's lock.
    """
    with catalog.reading() as connection:
        waiting = lookups.pending(connection, most, after)
    if not waiting:
        return Embedded(0, 0, after)
    texts = {digest: text for _, digest, text in waiting}
    digests = list(texts)
    vectors = np.ascontiguousarray(embedder.embed(list(texts.values())), np.float32)
    with catalog.writing() as connection:
        put_vectors(connection, zip(digests, (vector.tobytes() for vector in vectors), strict=True))
        chunks = lookups.ids_of_digests(connection, digests)
    for digest, vector in zip(digests, vectors, strict=True):
        ids = chunks.get(digest, [])
        shelf.add(ids, np.repeat(vector[None], len(ids), axis=0))
    return Embedded(len(digests), sum(map(len, chunks.values())), waiting[-1][0])


def add_known(connection: Connection, shelf: Shelf, ids: Iterable[int]) -> None:
    """Make new chunks searchable whose content was embedded before."""
    rows = list(lookups.vectors(connection, ids))
    if rows:
        shelf.add([row[0] for row in rows], matrix([row[1] for row in rows], shelf.dimension))
