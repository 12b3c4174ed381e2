"""What turns text into vectors.

Whoever embeds is an ``Embedder``; which one an index was made with is told by its name.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Text to unit vectors. Equal names mean equal vectors, so the name says everything they depend on."""

    @property
    def name(self) -> str:
        """The model and how it is read, for the index to tell whether its vectors still fit."""
        ...

    @property
    def dimension(self) -> int:
        """Of every vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors ``[n, dimension]`` of length 1, in the order of ``texts``; of an empty text too."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """The vector ``[dimension]`` that is nearest to what ``text`` looks for."""
        ...


def normalised(vectors: NDArray[np.floating]) -> Vectors:
    """Rows of length 1. A row of zeros, which says nothing, becomes the first unit vector."""
    rows = np.array(vectors, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    silent = lengths[:, 0] < _SILENT
    rows[silent] = 0.0
    rows[silent, 0] = 1.0
    lengths[silent] = 1.0
    return rows / lengths


_SILENT = 1e-12
