"""One vector a token, distilled from a model: text is embedded by looking up and adding.

The vectors are what a sentence-embedding model makes of each token alone, turned onto their main axes
(Model2Vec, Tulkens and van Dongen 2024). A token weighs ``a / (a + p)``, ``p`` its share of code (smooth
inverse frequency, Arora, Liang and Ma, ICLR 2017), so that what every file says counts for little.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.embed import Vectors, normalised
from retrieval.errors import EmbeddingFailed
from retrieval.words import spaced

DIMENSION = 256
_RARITY = 1e-4
"""SIF's a: a token of this share of all code weighs one half."""
_TOKENS_AT_ONCE = 1_024
_CHARACTERS = 20_000
"""Of a text that are read."""

OnMade = Callable[[int, int], None]
"""Told how many of how many token vectors are made."""


class TokenEncoder(Protocol):
    """Text to the ids of its tokens."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, whole and without special tokens."""
        ...


class TokenModel(Protocol):
    """A model that can be asked what it makes of one token."""

    vocabulary: int
    """Tokens it knows."""

    def embed_tokens(self, ids: Sequence[int]) -> Vectors:
        """A vector for each token alone, ``[n, any]``."""
        ...


class StaticEmbedder:
    """Weighted sums of token vectors. Deterministic; a call changes nothing."""

    def __init__(self, name: str, matrix: Vectors, tokenizer: TokenEncoder) -> None:
        """``matrix`` is ``[vocabulary, dimension]``, each row already weighted."""
        self.name = name
        self.dimension = int(matrix.shape[1])
        self._matrix = matrix
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors ``[n, dimension]`` of length 1."""
        rows = self._tokenizer.encode([spaced(text[:_CHARACTERS]) for text in texts]) if texts else []
        summed = np.zeros((len(rows), self.dimension), np.float32)
        for index, row in enumerate(rows):
            if row:
                ids, counts = np.unique(np.asarray(row, np.int64), return_counts=True)
                summed[index] = counts.astype(np.float32) @ self._matrix[ids]
        return normalised(summed)

    def embed_query(self, text: str) -> Vectors:
        """The vector ``[dimension]`` of a question; a text like any other."""
        return self.embed([text])[0]

    def save(self, path: Path) -> None:
        """Keep name and matrix in ``path``; the file is there whole or not at all."""
        scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as file:
                np.savez(file, name=np.array(self.name), matrix=self._matrix, check=_check(self._matrix))
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, tokenizer: TokenEncoder) -> "StaticEmbedder":
        """What ``save`` kept. Raises EmbeddingFailed for a file that is not there or damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                name, matrix, check = str(kept["name"]), kept["matrix"], kept["check"]
        except Exception as error:  # whatever zipfile and numpy say of a damaged file
            raise EmbeddingFailed(f"The token vectors in {path} cannot be read: {error}") from error
        if not np.array_equal(check, _check(matrix)):
            raise EmbeddingFailed(f"The token vectors in {path} are damaged; delete the file.")
        return cls(name, matrix, tokenizer)


def distil(
    model: TokenModel,
    tokenizer: TokenEncoder,
    code: Iterable[str],
    *,
    dimension: int = DIMENSION,
    on_made: OnMade | None = None,
) -> StaticEmbedder:
    """Make static vectors of every token of ``model``; ``code`` tells how common tokens are.

    Takes as long as the model needs for its vocabulary: about a minute for 30,000 tokens.
    """
    ids = range(model.vocabulary)
    parts: list[Vectors] = []
    for at in range(0, len(ids), _TOKENS_AT_ONCE):
        if on_made:
            on_made(at, len(ids))
        parts.append(model.embed_tokens(ids[at : at + _TOKENS_AT_ONCE]))
    shares = token_shares(tokenizer, code, model.vocabulary)
    matrix = principal(np.concatenate(parts), dimension) * weights(shares)[:, None]
    matrix = matrix.astype(np.float32)
    return StaticEmbedder(f"static-{_check(matrix).tobytes().hex()[:12]}", matrix, tokenizer)


def token_shares(tokenizer: TokenEncoder, code: Iterable[str], vocabulary: int) -> NDArray[np.float64]:
    """How often each token stands in ``code``, as a share; none has a share of zero."""
    counts = np.ones(vocabulary)
    for text in code:
        counts += np.bincount(tokenizer.encode([spaced(text)])[0], minlength=vocabulary)
    return counts / counts.sum()


def weights(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """SIF: near 1 for the rare, near 0 for the common."""
    return _RARITY / (_RARITY + shares)


def principal(vectors: NDArray[np.floating], dimension: int) -> NDArray[np.float64]:
    """The rows, centred, on their ``dimension`` axes of largest variance (or as many as there are)."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return centred @ axes[:, ::-1][:, :dimension]


def _check(matrix: Vectors) -> NDArray[np.uint8]:
    return np.frombuffer(hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).digest(), np.uint8)
