"""What of the repository stands in front of a document that an editor has open.

Between the language server and the completion service: a request comes in without a block and goes on with
one.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from assistant.lsp.folders import path_of
from assistant.lsp.source import CompletionSource
from completion.context.edits import Place, RecentEdits
from completion.context.keeper import BlockKeeper, Shown
from completion.context.pieces import Defined, Excerpt, Piece
from completion.context.ranking import Question, candidates
from completion.records import Completion, CompletionRequest, ContextPiece, EngineState, ServiceStatus
from retrieval.errors import RetrievalError
from retrieval.index import RepositoryIndex
from retrieval.lookups import StoredChunk
from retrieval.scope import definitions_in_scope, smallest_around


@dataclass(frozen=True)
class Indexed:
    """A file and the index of the folder that it lies in."""

    index: RepositoryIndex
    root: Path
    path: str
    """Relative to ``root``."""


FindIndex = Callable[[Path], tuple[Path, RepositoryIndex] | None]
"""The folder around a file and its index; None while there is none."""


class IndexedRepository:
    """``completion.context.pieces.Repository`` over an index, which leaves secrets and ignored files out."""

    def __init__(self, index: RepositoryIndex) -> None:
        self._index = index

    def definitions(self, path: str, names: Sequence[str]) -> list[Defined]:
        """As the protocol says."""
        found = self._index.read(lambda now: definitions_in_scope(now, path, names))
        return [
            Defined(each.name, excerpt_of(each.chunk), each.imported, each.named, each.files)
            for each in found
        ]

    def search(self, path: str, query: str, k: int) -> list[Excerpt]:
        """As the protocol says."""
        found = [each for each in self._index.search(query, 2 * k) if each.path != path]
        return [Excerpt(each.path, *each.lines, each.text, each.name) for each in found[:k]]

    def around(self, path: str, line: int) -> Excerpt | None:
        """As the protocol says."""
        chunk = smallest_around(self._index.chunks(path), line)
        return excerpt_of(chunk) if chunk else None


def excerpt_of(stored: StoredChunk) -> Excerpt:
    """A chunk as completions show it."""
    chunk = stored.chunk
    return Excerpt(stored.path, *chunk.lines, chunk.text, chunk.name)


class WithContext:
    """A ``CompletionSource`` that puts a block of the repository in front of the documents of ``source``."""

    def __init__(
        self,
        source: CompletionSource,
        keeper: BlockKeeper,
        find_index: FindIndex,
        *,
        window_chars: tuple[int, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``window_chars``: what a prompt shows in front of the cursor and behind it, at most."""
        self._source = source
        self._keeper = keeper
        self._find_index = find_index
        self._before, self._behind = window_chars
        self._clock = clock
        self._edits: dict[Path, RecentEdits] = {}

    def status(self) -> ServiceStatus:
        """As of the source."""
        return self._source.status()

    async def changed(self, state: EngineState) -> None:
        """As of the source."""
        await self._source.changed(state)

    async def complete(
        self, request: CompletionRequest, on_partial: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer ``request`` with a block in front; the trace lists it."""
        shown = await self._shown(request)
        completion = await self._source.complete(replace(request, context=shown.text), on_partial)
        listed = tuple(_listed(piece) for piece in shown.pieces)
        return replace(completion, trace=replace(completion.trace, context=listed))

    def forget(self, document: str) -> None:
        """The document was closed."""
        self._keeper.forget(document)
        indexed = self._indexed(document)
        if indexed is not None and (edits := self._edits.get(indexed.root)):
            edits.forget(indexed.path)
        self._source.forget(document)

    async def _shown(self, request: CompletionRequest) -> Shown:
        indexed = self._indexed(request.document) if request.document and not request.context else None
        if indexed is None or request.document is None:
            return Shown(text=request.context)
        edits = self._edits.setdefault(indexed.root, RecentEdits())
        edits.see(indexed.path, request.text, self._clock())
        look = partial(_look, IndexedRepository(indexed.index), edits.places(indexed.path))

        async def find(question: Question) -> Sequence[Piece] | None:
            return await asyncio.to_thread(look, question) or None

        before = request.text[max(0, request.cursor - self._before) : request.cursor]
        return await self._keeper.block(
            request.document,
            Question(indexed.path, request.text, request.cursor),
            find,
            language=request.language,
            window=before + request.text[request.cursor : request.cursor + self._behind],
        )

    def _indexed(self, document: str) -> Indexed | None:
        path = path_of(document.partition(" ")[2])
        found = self._find_index(path) if path else None
        if path is None or found is None:
            return None
        root, index = found
        try:
            return Indexed(index, root, index.scanner.relative(path))
        except RetrievalError:
            return None


def _look(repository: IndexedRepository, edited: Sequence[Place], question: Question) -> list[Piece]:
    return candidates(repository, question, edited)


def _listed(piece: Piece) -> ContextPiece:
    excerpt = piece.excerpt
    return ContextPiece(excerpt.path, excerpt.start + 1, excerpt.end, str(piece.why), piece.score)
