"""Vectors by chunk id, in FAISS: the nearest by inner product.

Few vectors are searched exactly. From ``exact_below`` on they are sorted into cells (IVF, Jégou et al. 2011),
of which a search visits some. Ids are the catalogue's, so vectors come and go without renumbering.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.errors import CorruptIndex
from retrieval.records import Found

Vectors = NDArray[np.float32]

EXACT_BELOW = 100_000
"""Vectors; below it, looking at all of them costs less than the cells are worth."""
_PROBED = 0.1
"""Of the cells that a search visits."""
_SAMPLE_PER_CELL = 64
"""Vectors that the cells are learned from."""

_HEADER = struct.Struct("<8sIIQ32s")
"""Magic, version, dimension, length of the body, SHA-256 of the body."""
_MAGIC = b"SPLICEVX"
_VERSION = 1

_faiss: Any = faiss
"""FAISS without types."""


class VectorIndex:
    """Unit vectors by id. One writer; a search changes nothing.

    FAISS works in one thread: the cores belong to the completion.
    """

    def __init__(self, dimension: int, *, exact_below: int = EXACT_BELOW) -> None:
        """Raises ValueError for a dimension that is not positive."""
        if dimension <= 0:
            raise ValueError("A vector has at least one dimension.")
        self.dimension = dimension
        self._exact_below = exact_below
        self._index: Any = _exact(dimension)
        self._ids: set[int] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, chunk_id: object) -> bool:
        return chunk_id in self._ids

    @property
    def is_exact(self) -> bool:
        """Whether a search looks at every vector."""
        return not hasattr(self._index, "nlist")

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Add vectors ``[n, dimension]`` under ``ids``; what an id had before is replaced.

        Raises ValueError, before anything changes, for another shape, an id that comes twice, or a
        vector that is not finite.
        """
        rows = np.ascontiguousarray(vectors, np.float32)
        if rows.shape != (len(ids), self.dimension):
            raise ValueError(
                f"Vectors {rows.shape} do not fit {len(ids)} ids of {self.dimension} dimensions."
            )
        if len(set(ids)) != len(ids):
            raise ValueError("An id comes twice among the vectors to add.")
        if not np.isfinite(rows).all():
            raise ValueError("A vector to add is not finite.")
        if not ids:
            return
        _one_thread()
        self.remove(ids)
        self._index.add_with_ids(rows, np.asarray(ids, np.int64))
        self._ids.update(ids)
        if self.is_exact and len(self) >= self._exact_below:
            self._index = _in_cells(self._index)

    def remove(self, ids: Iterable[int]) -> None:
        """Take vectors out. An id that is not there is none of our business."""
        gone = self._ids.intersection(ids)
        if gone:
            _one_thread()
            self._index.remove_ids(np.fromiter(gone, np.int64, len(gone)))
            self._ids -= gone

    def search(self, vector: Vectors, k: int) -> list[Found]:
        """The ``k`` nearest to ``vector`` ``[dimension]``, best first; the score is the inner product.

        Equal scores come in the order of the ids. Raises ValueError for another shape.
        """
        if vector.shape != (self.dimension,):
            raise ValueError(f"A vector of {vector.shape} is looked up among {self.dimension} dimensions.")
        if k <= 0 or not self._ids:
            return []
        _one_thread()
        query = np.ascontiguousarray(vector[None], np.float32)
        scores, ids = self._index.search(query, min(k, len(self)))
        found = [Found(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]
        return sorted(found, key=lambda one: (-one.score, one.chunk_id))

    def save(self, path: Path) -> None:
        """Write everything to ``path``: at any time the old file is there or the new one, whole."""
        body = _faiss.serialize_index(self._index).tobytes()
        header = _HEADER.pack(_MAGIC, _VERSION, self.dimension, len(body), hashlib.sha256(body).digest())
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with scratch.open("wb") as file:
                file.write(header)
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, exact_below: int = EXACT_BELOW) -> "VectorIndex":
        """What ``save`` wrote.

        Raises CorruptIndex for a file that is not there, not whole, or of another version.
        """
        dimension, body = _read(path)
        loaded = cls(dimension, exact_below=exact_below)
        loaded._index = _faiss.deserialize_index(np.frombuffer(body, np.uint8))
        loaded._ids = {int(one) for one in _ids_of(loaded._index)}
        return loaded


def _one_thread() -> None:
    """OpenMP keeps the number for each thread of the program apart, so every call says it."""
    _faiss.omp_set_num_threads(1)


def _exact(dimension: int) -> Any:
    return _faiss.IndexIDMap2(_faiss.IndexFlatIP(dimension))


def _in_cells(exact: Any) -> Any:
    """The same vectors and ids, sorted into about ``4 √n`` cells learned from a sample of them."""
    count, dimension = exact.ntotal, exact.d
    cells = max(1, int(4 * count**0.5))
    vectors = _faiss.rev_swig_ptr(_faiss.downcast_index(exact.index).get_xb(), count * dimension)
    vectors = vectors.reshape(count, dimension)
    index = _faiss.IndexIVFFlat(_faiss.IndexFlatIP(dimension), dimension, cells, _faiss.METRIC_INNER_PRODUCT)
    sample = np.random.default_rng(0).permutation(count)[: cells * _SAMPLE_PER_CELL]
    index.cp.min_points_per_centroid = 1
    index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
    index.add_with_ids(vectors, _ids_of(exact))
    index.nprobe = max(1, round(_PROBED * cells))
    return index


def _ids_of(index: Any) -> NDArray[np.int64]:
    if not hasattr(index, "nlist"):
        return _faiss.vector_to_array(index.id_map)
    lists = index.invlists
    sizes = [lists.list_size(cell) for cell in range(index.nlist)]
    parts = [_faiss.rev_swig_ptr(lists.get_ids(cell), size).copy() for cell, size in enumerate(sizes) if size]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _read(path: Path) -> tuple[int, bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorruptIndex(f"The vectors of the index cannot be read: {error}.") from error
    if len(content) < _HEADER.size:
        raise CorruptIndex(f"{path} is cut off; the vectors must be made anew.")
    magic, version, dimension, length, digest = _HEADER.unpack_from(content)
    if magic != _MAGIC or version != _VERSION:
        raise CorruptIndex(f"{path} was not written by this version; the vectors must be made anew.")
    body = content[_HEADER.size :]
    if len(body) != length or hashlib.sha256(body).digest() != digest:
        raise CorruptIndex(f"{path} is damaged; the vectors must be made anew.")
    return dimension, body
