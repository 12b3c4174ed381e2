"""The vectors of one repository: in memory for searching, in a file for the next start.

The catalogue holds every vector too, so the file can be made anew from it whenever it is missing, damaged,
or behind.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.errors import CorruptIndex
from retrieval.records import Found
from retrieval.vectors import VectorIndex, Vectors

_log = logging.getLogger(__name__)
_AT_ONCE = 4_096
"""Vectors that are read from the catalogue at once."""


class Shelf:
    """Vectors of ``dimension`` by chunk id. Any thread searches; one writes."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self.dimension = dimension
        self._lock = threading.Lock()
        self._index = VectorIndex(dimension)
        self._is_saved = True

    def __len__(self) -> int:
        return len(self._index)

    def open(self, catalog: Catalog) -> None:
        """Load the file and bring it to what the catalogue holds, or make it anew from there."""
        with catalog.reading() as connection:
            wanted = {chunk_id for chunk_id, _ in lookups.vectors(connection)}
            index = self._loaded()
            missing = [chunk_id for chunk_id in wanted if chunk_id not in index]
            if len(index) + len(missing) != len(wanted):  # it has some that are gone
                index, missing = VectorIndex(self.dimension), list(wanted)
            self._is_saved = not missing
            rows = lookups.vectors(connection, missing)
            while some := list(islice(rows, _AT_ONCE)):
                index.add([row[0] for row in some], matrix([row[1] for row in some], self.dimension))
        with self._lock:
            self._index = index

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Add ``[n, dimension]``; what an id had before is replaced."""
        with self._lock:
            self._is_saved = self._is_saved and not ids
            self._index.add(ids, vectors)

    def remove(self, ids: Iterable[int]) -> None:
        """Take vectors out; an id that is not there is none of our business."""
        with self._lock:
            before = len(self._index)
            self._index.remove(ids)
            self._is_saved = self._is_saved and len(self._index) == before

    def search(self, vector: Vectors, k: int) -> list[Found]:
        """The ``k`` nearest, best first."""
        with self._lock:
            return self._index.search(vector, k)

    def save(self) -> None:
        """Write the file, unless it says the same. The old one or the new one is there at any time."""
        with self._lock:
            if not self._is_saved:
                self._index.save(self._path)
                self._is_saved = True

    def _loaded(self) -> VectorIndex:
        if not self._path.is_file():
            return VectorIndex(self.dimension)
        try:
            index = VectorIndex.load(self._path)
        except CorruptIndex as error:
            _log.warning("The vectors in %s are made anew from the catalogue: %s", self._path.parent, error)
            return VectorIndex(self.dimension)
        return index if index.dimension == self.dimension else VectorIndex(self.dimension)


def matrix(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Stored vectors as ``[n, dimension]``."""
    return np.frombuffer(b"".join(blobs), np.float32).reshape(-1, dimension)
