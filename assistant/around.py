"""The index of a repository as summaries see it: what it cannot say is simply not there.

A summary without its surroundings is poorer; a summary that failed because somebody else writes the index
would be none.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from assistant.repository import is_repository
from assistant.summaries import OpenIndex
from assistant.workspaces import Workspaces
from retrieval.config import RetrievalConfig
from retrieval.errors import RetrievalError
from retrieval.index import RepositoryIndex
from retrieval.opening import open_embedder
from retrieval.records import Outline, Snippet, SymbolHit
from retrieval.snapshot import Neighbours

_PATIENCE_S = 20.0
"""How long a summary waits for an index that is being made."""


class Around:
    """``index``, without its errors."""

    def __init__(self, index: RepositoryIndex) -> None:
        self._index = index

    def callees(self, path: str, qualified: str) -> Sequence[SymbolHit]:
        """Definitions of the names that a definition calls."""
        with suppress(RetrievalError):
            return self._index.callees(path, qualified)
        return ()

    def search(self, query: str, k: int = 10) -> Sequence[Snippet]:
        """The ``k`` best pieces for words or code."""
        with suppress(RetrievalError):
            return self._index.search(query, k)
        return ()

    def neighbours(self, path: str) -> Neighbours:
        """The files that a file imports, and those that import it."""
        with suppress(RetrievalError):
            return self._index.neighbours(path)
        return Neighbours((), ())

    def outline(self, path: str) -> Outline | None:
        """What the syntax of a file says; None for one that is not indexed."""
        with suppress(RetrievalError):
            return self._index.outline(path)
        return None


def own_index(config: RetrievalConfig) -> OpenIndex:
    """Opens indexes in this process and reads first what has changed, where nothing watches the folder."""

    @asynccontextmanager
    async def opened(root: Path) -> AsyncGenerator[Around | None]:
        index = await asyncio.to_thread(_refreshed, root, config)
        try:
            yield Around(index) if index else None
        finally:
            if index:
                await asyncio.to_thread(index.close)

    return opened


def _refreshed(root: Path, config: RetrievalConfig) -> RepositoryIndex | None:
    if not config.enabled or not is_repository(root):
        return None
    try:
        index = RepositoryIndex(root, config, open_embedder(config))
    except RetrievalError:
        return None
    with suppress(RetrievalError):  # somebody else writes it: as it is, it can be asked
        index.refresh()
    return index


def shared_index(workspaces: Workspaces) -> OpenIndex:
    """Opens the indexes that editors use, and holds one for the time of a summary."""

    @asynccontextmanager
    async def opened(root: Path) -> AsyncGenerator[Around | None]:
        held = workspaces.open(root) if workspaces.has(root) or is_repository(root) else None
        if held is None:
            yield None
            return
        try:
            index = await workspaces.settled(held, _PATIENCE_S)
            yield Around(index) if index else None
        finally:
            workspaces.release(held)

    return opened
