"""Giving chunks their vectors: a stage of its own, behind reading, a few chunks at a time."""

from collections.abc import Iterable

import numpy as np

from retrieval import lookups
from retrieval.catalog import Catalog, Connection
from retrieval.embed import Embedder
from retrieval.rows import put_vectors
from retrieval.shelf import Shelf, matrix

EMBEDDED_AT_ONCE = 32
"""Pieces of one step; a write of another kind waits for one step at most."""


def embed_some(catalog: Catalog, shelf: Shelf, embedder: Embedder, most: int) -> int:
    """Embed the oldest ``most`` contents without a vector, keep the vectors, make them searchable.

    How many there were; 0: nothing is left to do. The caller holds the index's lock.
    """
    with catalog.reading() as connection:
        waiting = lookups.pending(connection, most)
    if not waiting:
        return 0
    vectors = np.ascontiguousarray(embedder.embed([text for _, text in waiting]), np.float32)
    digests = [digest for digest, _ in waiting]
    with catalog.writing() as connection:
        put_vectors(connection, zip(digests, (vector.tobytes() for vector in vectors), strict=True))
        chunks = lookups.ids_of_digests(connection, digests)
    for digest, vector in zip(digests, vectors, strict=True):
        ids = chunks.get(digest, [])
        shelf.add(ids, np.repeat(vector[None], len(ids), axis=0))
    return len(waiting)


def add_known(connection: Connection, shelf: Shelf, ids: Iterable[int]) -> None:
    """Make new chunks searchable whose content was embedded before."""
    rows = list(lookups.vectors(connection, ids))
    if rows:
        shelf.add([row[0] for row in rows], matrix([row[1] for row in rows], shelf.dimension))
