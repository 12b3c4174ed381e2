"""One indexed folder: a thread that keeps its index in step with the disk and with unsaved buffers.

Much at once, such as the first look, a checkout and other rules of what is ignored, is read by a process of
the lowest priority; a few saved files and the buffers are read here. Completions wait for neither.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from retrieval.config import RetrievalConfig
from retrieval.embed import Embedder
from retrieval.errand import Errand
from retrieval.errors import EmbeddingFailed, IndexBusy, RetrievalError
from retrieval.index import RepositoryIndex
from retrieval.indexing import Progress
from retrieval.walk import IGNORE_FILES
from retrieval.watch import Watcher

_log = logging.getLogger(__name__)
_FEW = 20
"""Changed paths that are read in this process."""
_SETTLE_S = 0.3
"""A buffer is read when nobody has typed into it for so long."""
_RETRY_S = 2.0
"""How long after another process was found writing the index."""
_STOP_S = 0.8

State = Literal["opening", "indexing", "ready", "failed"]
OpenEmbedder = Callable[[], Embedder | None]


class FolderStatus(NamedTuple):
    """What is told of a folder."""

    root: str
    state: State
    detail: str
    files: int = 0
    chunks: int = 0
    embedded: int = 0
    done: int = 0
    total: int = 0


class _Typed(NamedTuple):
    """What a buffer says now; None: it was closed."""

    text: str | None
    due: float


class Workspace:
    """The folder ``root``. Every method may be called from any thread, and none waits for the index."""

    def __init__(self, root: Path, config: RetrievalConfig, open_embedder: OpenEmbedder) -> None:
        self.root = root
        self._config = config
        self._open_embedder = open_embedder
        self._news = threading.Condition()
        self._touched: set[str] = set()
        self._typed: dict[str, _Typed] = {}
        self._retry_at = 0.0
        self._closing = False
        self._has_embedder = False
        self._state: State = "opening"
        self._detail = ""
        self._index: RepositoryIndex | None = None
        self._errand: Errand | None = None
        self._watcher = Watcher(root, self._on_paths)
        self._thread = threading.Thread(target=self._work, name=f"index {root.name}", daemon=True)
        self._thread.start()

    @property
    def index(self) -> RepositoryIndex | None:
        """For searching only; None while it is being opened, and when it could not be."""
        return self._index

    @property
    def is_settled(self) -> bool:
        """Whether the index is up to date, or will not be."""
        return self._state in {"ready", "failed"}

    def show(self, path: str, text: str) -> None:
        """An editor's buffer says this now."""
        self._note(path, _Typed(text, time.monotonic() + _SETTLE_S))

    def hide(self, path: str) -> None:
        """The buffer was closed; the file counts again."""
        self._note(path, _Typed(None, 0.0))

    def status(self) -> FolderStatus:
        """Where the index stands."""
        index, errand = self._index, self._errand
        progress = errand.progress if errand and errand.progress else Progress("looking", 0, 0)
        told = FolderStatus(
            str(self.root), self._state, self._detail, done=progress.done, total=progress.total
        )
        if index is None:
            return told
        try:
            counts = index.status()
        except RetrievalError as error:
            return told._replace(state="failed", detail=str(error))
        return told._replace(files=counts.files, chunks=counts.chunks, embedded=counts.embedded)

    def begin_close(self) -> None:
        """Ask it to end; ``close`` waits."""
        with self._news:
            self._closing = True
            self._news.notify_all()

    def close(self) -> None:
        """End within a second; an indexing run is cut off, and the next start goes on with it."""
        self.begin_close()
        self._thread.join(_STOP_S)

    # Told from other threads

    def _note(self, path: str, typed: _Typed) -> None:
        with self._news:
            self._typed[path] = typed
            self._news.notify_all()

    def _on_paths(self, paths: frozenset[str]) -> None:
        with self._news:
            self._touched |= paths
            self._news.notify_all()

    def _on_errand(self) -> None:
        with self._news:
            self._news.notify_all()

    # On the index thread

    def _work(self) -> None:
        try:
            self._index = RepositoryIndex(self.root, self._config, self._embedder())
            self._watcher.start()
            self._send()
            self._loop(self._index)
        except RetrievalError as error:
            self._state, self._detail = "failed", str(error)
            _log.warning("%s is not indexed: %s", self.root, error)
        finally:
            if self._errand is not None:
                self._errand.stop()
            self._watcher.stop()
            if self._index is not None:
                self._index.close()

    def _loop(self, index: RepositoryIndex) -> None:
        while True:
            with self._news:
                while not self._has_work():
                    self._news.wait(self._patience())
                if self._closing:
                    return
                typed = self._take_typed()
            for path, buffer in typed.items():
                _lay(index, path, buffer.text)
            self._end_errand(index)
            self._follow_disk(index)

    def _has_work(self) -> bool:
        now = time.monotonic()
        return (
            self._closing
            or any(buffer.due <= now for buffer in self._typed.values())
            or (self._errand is not None and self._errand.is_done)
            or (self._errand is None and bool(self._touched) and self._retry_at <= now)
        )

    def _patience(self) -> float | None:
        """Seconds until something is due by itself; None: nothing is."""
        due = [buffer.due for buffer in self._typed.values()]
        if self._touched and self._errand is None:
            due.append(self._retry_at)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _take_typed(self) -> dict[str, _Typed]:
        now = time.monotonic()
        ripe = {path: buffer for path, buffer in self._typed.items() if buffer.due <= now}
        for path in ripe:
            del self._typed[path]
        return ripe

    def _send(self) -> None:
        """Let a process of its own look at the whole folder."""
        self._state, self._detail = "indexing", ""
        self._errand = Errand(self.root, self._config, on_news=self._on_errand)

    def _end_errand(self, index: RepositoryIndex) -> None:
        if self._errand is None or not self._errand.is_done:
            return
        detail, self._errand = self._errand.error, None
        try:
            self._take_over(index)
        except IndexBusy as busy:
            self._has_embedder, detail = False, str(busy)
        self._state, self._detail = "ready", detail

    def _take_over(self, index: RepositoryIndex) -> None:
        """Search what the other process has written, by what it has made to embed with."""
        if not self._has_embedder and (embedder := self._embedder()):
            index.use(embedder)
        else:
            index.reload()

    def _embedder(self) -> Embedder | None:
        try:
            embedder = self._open_embedder()
        except EmbeddingFailed as error:  # words and symbols are better than nothing
            _log.warning("%s", error)
            embedder = None
        self._has_embedder = embedder is not None
        return embedder

    def _follow_disk(self, index: RepositoryIndex) -> None:
        with self._news:
            if self._errand is not None or not self._touched or time.monotonic() < self._retry_at:
                return
            paths, self._touched = self._touched, set()
        if len(paths) > _FEW or any(path.rpartition("/")[2] in IGNORE_FILES for path in paths):
            self._send()
            return
        try:
            index.touch(paths)
            index.embed(cancelled=lambda: self._closing)
        except IndexBusy:
            with self._news:
                self._touched |= paths
                self._retry_at = time.monotonic() + _RETRY_S
        except RetrievalError as error:
            self._detail = str(error)


def _lay(index: RepositoryIndex, path: str, text: str | None) -> None:
    """A buffer that the index leaves alone is simply not there."""
    try:
        if text is None:
            index.forget_overlay(path)
        else:
            index.overlay(path, text)
    except RetrievalError as error:
        _log.debug("%s", type(error).__name__)
