"""The folders that editors have open, each indexed once however many connections share it."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

from assistant.workspace import OpenEmbedder, Workspace
from retrieval.config import RetrievalConfig
from retrieval.errors import NoRepository
from retrieval.index import RepositoryIndex
from retrieval.records import Snippet, SymbolHit

_POLL_S = 0.05
_KEPT = 8
"""Folders that nobody has open any more, but whose index stays at hand."""


class Workspaces:
    """Written on the event loop only; whatever takes time happens in the folders' own threads."""

    def __init__(self, config: RetrievalConfig, open_embedder: OpenEmbedder = lambda: None) -> None:
        self._config = config
        self._open_embedder = open_embedder
        self._folders: dict[Path, Workspace] = {}
        self._holders = Counter[Path]()

    def open(self, root: Path) -> Path | None:
        """Index ``root`` from now on, and hold it until ``release``.

        None when it is no folder, or the settings say that nothing is indexed.
        """
        root = root.resolve()
        if not self._config.enabled or not root.is_dir():
            return None
        if root not in self._folders:
            self._folders[root] = Workspace(root, self._config, self._open_embedder)
        self._holders[root] += 1
        return root

    def has(self, root: Path) -> bool:
        """Whether ``root`` is one of the folders."""
        return root.resolve() in self._folders

    async def settled(self, root: Path, patience_s: float) -> RepositoryIndex | None:
        """The index of an open folder, as soon as it has been brought up to date once, or as it is then.

        None where it cannot be opened.
        """
        deadline = time.monotonic() + patience_s
        while (folder := self._folders.get(root)) is not None:
            if folder.is_settled or time.monotonic() > deadline:
                return folder.index
            await asyncio.sleep(_POLL_S)
        return None

    def release(self, root: Path) -> None:
        """One holder less. The index stays at hand, unless there are many that nobody holds."""
        self._holders[root] -= 1
        idle = [path for path in self._folders if self._holders[path] <= 0]
        for path in idle[: max(0, len(idle) - _KEPT)]:
            self._folders.pop(path).begin_close()

    def show(self, path: Path, text: str) -> None:
        """An editor's buffer says this now, if it lies in one of the folders."""
        for folder in self._around(path):
            folder.show(str(path), text)

    def hide(self, path: Path) -> None:
        """The buffer was closed."""
        for folder in self._around(path):
            folder.hide(str(path))

    async def symbols(self, roots: list[Path], typed: str, k: int) -> list[tuple[Path, SymbolHit]]:
        """The definitions of these folders that fit best what was typed."""

        def find() -> list[tuple[Path, SymbolHit]]:
            found = [(root, hit) for root in roots for hit in self._index(root).symbols(typed, k)]
            return found[:k]

        return await asyncio.to_thread(find)

    async def search(self, query: str, root: str | None, k: int) -> list[tuple[Path, Snippet]]:
        """The best pieces of one folder, or of the one that was opened first. Raises NoRepository."""
        chosen = self._chosen(root)
        index = self._index(chosen)
        found = await asyncio.to_thread(index.search, query, k)
        return [(chosen, snippet) for snippet in found]

    async def describe(self) -> list[dict[str, Any]]:
        """Every folder's status."""
        folders = list(self._folders.values())
        told = await asyncio.to_thread(lambda: [folder.status() for folder in folders])
        return [status._asdict() for status in told]

    async def close(self) -> None:
        """End every folder within a second."""
        folders, self._folders = list(self._folders.values()), {}
        for folder in folders:
            folder.begin_close()
        await asyncio.gather(*(asyncio.to_thread(folder.close) for folder in folders))

    def _around(self, path: Path) -> list[Workspace]:
        return [folder for root, folder in self._folders.items() if root in path.parents]

    def _chosen(self, root: str | None) -> Path:
        if root is None:
            first = next(iter(self._folders), None)
            if first is None:
                raise NoRepository("No folder is open in an editor, so there is nothing to search.")
            return first
        path = Path(root).resolve()
        if path not in self._folders:
            raise NoRepository(
                "This folder is not open in any editor; `GET /workspaces` names those that are."
            )
        return path

    def _index(self, root: Path) -> RepositoryIndex:
        folder = self._folders.get(root)
        if folder is None or folder.index is None:
            raise NoRepository(f"The index of {root} is still being opened; ask again in a moment.")
        return folder.index
