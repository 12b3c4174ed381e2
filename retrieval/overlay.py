"""Unsaved buffers in front of their files: in memory, never in the catalogue."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval.records import Chunk, Outline, SymbolHit
from retrieval.words import terms


@dataclass(frozen=True)
class Buffer:
    """One open file as its editor shows it."""

    path: str
    outline: Outline
    chunks: tuple[Chunk, ...]
    words: tuple[frozenset[str], ...] = field(repr=False, default=())
    """The terms of each chunk."""


class Overlay:
    """Buffers by path. Written by whoever holds the editors; a reader keeps the mapping it took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buffers: Mapping[str, Buffer] = {}

    def put(self, path: str, outline: Outline, chunks: tuple[Chunk, ...]) -> None:
        """Show this in place of the file."""
        words = tuple(frozenset(terms(chunk.text)) for chunk in chunks)
        with self._lock:
            self._buffers = {**self._buffers, path: Buffer(path, outline, chunks, words)}

    def forget(self, path: str) -> None:
        """Show the file again."""
        with self._lock:
            self._buffers = {name: kept for name, kept in self._buffers.items() if name != path}

    def view(self) -> Mapping[str, Buffer]:
        """The buffers as they are now; what comes later does not change it."""
        return self._buffers


def symbols_in(buffers: Mapping[str, Buffer]) -> list[SymbolHit]:
    """Every definition of the buffers, in order of path and line."""
    return [
        SymbolHit(path, buffer.outline.language, definition)
        for path, buffer in sorted(buffers.items())
        for definition in buffer.outline.definitions
    ]


def coverage(wanted: frozenset[str], words: frozenset[str]) -> float:
    """How much of a query's terms a chunk has, 0 to 1."""
    return len(wanted & words) / len(wanted) if wanted else 0.0
