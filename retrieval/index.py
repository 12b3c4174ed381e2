"""The index of one repository: one writer, readers over snapshots, unsaved buffers in front of files."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.config import RetrievalConfig
from retrieval.embed import Embedder
from retrieval.embedding import EMBEDDED_AT_ONCE, Embedded, add_known, embed_some, paced
from retrieval.errors import CorruptIndex, IndexBusy, NoRepository
from retrieval.indexing import Cancelled, OnProgress, Progress, Report, Run
from retrieval.lookups import StoredChunk, Use
from retrieval.overlay import Overlay
from retrieval.place import index_folder, make_folder
from retrieval.records import Found, IndexStatus, Outline, Snippet, SymbolHit
from retrieval.rows import Changed, drop_unused_vectors, drop_vectors, put_meta
from retrieval.scan import Scanner
from retrieval.search import find_symbols, search
from retrieval.shelf import Shelf
from retrieval.snapshot import Neighbours, Snapshot
from retrieval.walk import IGNORE_FILES

_log = logging.getLogger(__name__)
_CATALOG, _LOCK, _VECTORS = "catalog.sqlite", "lock", "vectors"
_PREPARE_S = 5.0
_MANY = 2_000
"""Paths that are touched at once; of more, the whole repository is looked at."""
T = TypeVar("T")


class RepositoryIndex:
    """Searchable from any thread. Writes take turns, in this process and with others.

    A write raises IndexBusy while another process writes; searching goes on meanwhile.
    """

    def __init__(self, root: Path, config: RetrievalConfig, embedder: Embedder | None = None) -> None:
        """Open the index of ``root``, or begin one.

        Raises NoRepository, UnwritableIndex, or IndexBusy if it has to be begun while another process
        holds it.
        """
        if not root.is_dir():
            raise NoRepository(f"{root} is no folder that can be indexed.")
        self.root = root.resolve()
        self.folder = index_folder(root, config)
        self._config = config
        self._embedder = embedder
        self.scanner = Scanner(self.root, config)
        self._overlay = Overlay()
        self._writing = threading.RLock()
        make_folder(self.folder)
        self._file_lock = FileLock(self.folder / _LOCK, thread_local=False)
        self.catalog = Catalog(self.folder / _CATALOG)
        self._shelf: Shelf | None = None
        self._prepare()

    # Writing

    def refresh(self, progress: OnProgress | None = None, cancelled: Cancelled | None = None) -> Report:
        """Bring the index to what is on disk. A run that is cancelled or killed is gone on with by the next.

        Raises IndexBusy, or RetrievalError when the disk is full.
        """
        return self._run(lambda run: run.everything(), progress, cancelled)

    def touch(self, paths: Iterable[str | Path]) -> Report:
        """Bring these files and folders to what is on disk; they may be gone.

        Raises OutsideRoot before anything is done, and IndexBusy.
        """
        wanted = {self.scanner.relative(path) for path in paths}
        if len(wanted) > _MANY or any(path.rpartition("/")[2] in IGNORE_FILES for path in wanted):
            return self.refresh()
        return self._run(lambda run: run.some(wanted), None, None)

    def embed(self, progress: OnProgress | None = None, cancelled: Cancelled | None = None) -> int:
        """Give every chunk a vector, a few at a time, so that other writes come in between.

        How many were made; nothing is embedded twice. Raises IndexBusy and EmbeddingFailed.
        """
        if self._embedder is None:
            return 0
        before = self.status()
        made, chunks, size, last = 0, before.embedded, EMBEDDED_AT_ONCE, 0
        while not (cancelled and cancelled()):
            started = time.perf_counter()
            some = self._embed_some(size, after=last)
            if some.contents == 0:
                break
            size = paced(size, time.perf_counter() - started)
            made, chunks, last = made + some.contents, chunks + some.chunks, some.last
            if progress:
                progress(Progress("embedding", chunks, before.chunks))
        self.save()
        return made

    def use(self, embedder: Embedder) -> None:
        """Embed and search by ``embedder`` from now on. Raises IndexBusy."""
        with self._writer():
            self._embedder = embedder
            self._match_embedder()
            self._open_shelf()

    def save(self) -> None:
        """Write the vectors to their file, and forget those of content that no file has any more."""
        if self._shelf is None:
            return
        with self._writer():
            with self.catalog.writing() as connection:
                drop_unused_vectors(connection)
            self._shelf.save()

    def reload(self) -> None:
        """Take over what another process has written."""
        with self._writing:
            self._open_shelf()

    def overlay(self, path: str | Path, text: str) -> None:
        """Show an unsaved buffer in place of its file. Raises OutsideRoot, and NotIndexed with the reason."""
        relative = self.scanner.relative(path)
        self._overlay.put(relative, *self.scanner.read_text(relative, text))

    def forget_overlay(self, path: str | Path) -> None:
        """Show the file again. Raises OutsideRoot."""
        self._overlay.forget(self.scanner.relative(path))

    def close(self) -> None:
        """Let go of everything; writes that run have ended."""
        with self._writing:
            self.catalog.close()

    # Reading

    def search(self, query: str, k: int = 10, *, deadline: float | None = None) -> list[Snippet]:
        """The ``k`` best pieces for words or code. ``deadline``: as in ``retrieval.search.search``."""
        dense = self._dense if self._shelf is not None and len(self._shelf) else None
        return self.read(lambda now: search(now, query, k, dense=dense, deadline=deadline))

    def symbols(self, typed: str, k: int = 50) -> list[SymbolHit]:
        """The ``k`` definitions whose names fit best: from the start, by humps, or inside."""
        return self.read(lambda now: find_symbols(now, typed, k))

    def definitions(self, name: str) -> list[SymbolHit]:
        """Every definition of a plain or qualified name."""
        return self.read(lambda now: now.definitions(name))

    def callers(self, name: str) -> list[Use]:
        """Calls of a name, by path and line."""
        return self.read(lambda now: now.callers(name))

    def callees(self, path: str, qualified: str) -> list[SymbolHit]:
        """Definitions of the names that a definition calls, as far as names tell."""
        return self.read(lambda now: now.callees(path, qualified))

    def neighbours(self, path: str | Path) -> Neighbours:
        """The files of the repository that a file imports, and those that import it."""
        relative = self.scanner.relative(path)
        return self.read(lambda now: now.neighbours(relative))

    def outline(self, path: str | Path) -> Outline | None:
        """What the syntax of a file says, unsaved text first; None for a file that is not indexed."""
        relative = self.scanner.relative(path)
        return self.read(lambda now: now.outline(relative))

    def chunks(self, path: str | Path) -> list[StoredChunk]:
        """The pieces of a file, in order of lines."""
        relative = self.scanner.relative(path)
        return self.read(lambda now: now.chunks_of(relative))

    def status(self) -> IndexStatus:
        """How much is searchable."""
        counts = self.read(lambda now: lookups.counts(now.connection))
        name = self._embedder.name if self._embedder else ""
        return IndexStatus(str(self.root), *counts, embedder=name, unsaved=len(self._overlay.view()))

    def read(self, ask: Callable[[Snapshot], T]) -> T:
        """Ask several things of one state of the index."""
        with self.catalog.reading() as connection:
            return ask(Snapshot(connection, self._overlay.view()))

    # Inside

    def _embed_some(self, most: int, *, after: int) -> Embedded:
        if self._embedder is None or self._shelf is None:
            return Embedded(0, 0, after)
        with self._writer():
            return embed_some(self.catalog, self._shelf, self._embedder, most, after=after)

    def _prepare(self) -> None:
        try:
            with self._writing, self._file_lock.acquire(timeout=_PREPARE_S):
                if self.catalog.prepare():
                    self._begin()
                self._match_embedder()
        except Timeout as error:
            if self.catalog.trouble() is not None:
                raise IndexBusy(f"Another process is making the index of {self.root}.") from error
        self._open_shelf()

    def _begin(self) -> None:
        """A catalogue starts its life: ids count from 1 again, so no older file of vectors fits it."""
        for old in self.folder.glob(f"{_VECTORS}-*"):
            old.unlink(missing_ok=True)
        with self.catalog.writing() as connection:
            put_meta(connection, "root", str(self.root))
            put_meta(connection, "birth", secrets.token_hex(4))

    def _match_embedder(self) -> None:
        """Vectors of another embedder say nothing to this one; without one they are kept for later."""
        if self._embedder is None:
            return
        with self.catalog.reading() as connection:
            held = lookups.meta(connection, "embedder")
        name = f"{self._embedder.name} {self._embedder.dimension}"
        if held != name:
            if held is not None:
                _log.warning(
                    "The index of %s was made with another embedder; it is embedded anew.", self.root
                )
            with self.catalog.writing() as connection:
                drop_vectors(connection)
                put_meta(connection, "embedder", name)
                put_meta(connection, "birth", secrets.token_hex(4))

    def _open_shelf(self) -> None:
        if self._embedder is None:
            return
        with self.catalog.reading() as connection:
            birth = lookups.meta(connection, "birth")
        shelf = Shelf(self.folder / f"{_VECTORS}-{birth}", self._embedder.dimension)
        shelf.open(self.catalog)
        self._shelf = shelf

    def _run(
        self, look: Callable[[Run], Report], progress: OnProgress | None, cancelled: Cancelled | None
    ) -> Report:
        def new_run() -> Run:
            return Run(
                self.catalog,
                self.scanner,
                on_changed=self._on_changed,
                progress=progress,
                cancelled=cancelled,
            )

        with self._writer():
            try:
                return look(new_run())
            except CorruptIndex as error:
                _log.warning("The index of %s is made anew: %s", self.root, error)
                self.catalog.rebuild()
                self._begin()
                self._match_embedder()
                self._open_shelf()
                return new_run().everything()

    def _on_changed(self, changed: Changed) -> None:
        if self._shelf is None:
            return
        self._shelf.remove(changed.removed)
        with self.catalog.reading() as connection:
            add_known(connection, self._shelf, changed.added)

    @contextmanager
    def _writer(self) -> Generator[None]:
        with self._writing:
            try:
                with self._file_lock.acquire(timeout=0):
                    yield
            except Timeout as error:
                raise IndexBusy(
                    f"Another process is writing the index of {self.root}. It can be searched meanwhile."
                ) from error

    def _dense(self, query: str, k: int) -> list[Found]:
        if self._embedder is None or self._shelf is None:
            return []
        return self._shelf.search(self._embedder.embed_query(query), k)
