"""Bringing a catalogue to what is on disk: looking, planning, reading, writing in batches.

Every batch is one transaction, so a run that is killed leaves whole files behind, and the next one goes on
there: what was written already is unchanged to it.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.readers import ReadFile, read_batches
from retrieval.records import FileKey
from retrieval.refresh import Held, Parsed, Plan, plan, suspects, trusted
from retrieval.rows import Changed, drop_files, put_files, put_stats
from retrieval.scan import Scan, Scanner, is_among

BATCH = 50
"""Files of one transaction."""
Stage = Literal["looking", "reading", "preparing", "embedding"]
Cancelled = Callable[[], bool]


class Progress(NamedTuple):
    """How far an indexing run is."""

    stage: Stage
    done: int
    total: int
    """0: not known yet."""


OnProgress = Callable[[Progress], None]
OnChanged = Callable[[Changed], None]
"""Told after each transaction which chunks came and went."""


@dataclass
class Report:
    """What a run did, in files."""

    read: int = 0
    dropped: int = 0
    unchanged: int = 0
    left_out: Counter[str] = field(default_factory=Counter[str])
    """By reason."""
    seconds: float = 0.0
    cancelled: bool = False
    """The rest is left to the next run."""


class Run:
    """One refresh of a catalogue. The caller holds the index's lock."""

    def __init__(
        self,
        catalog: Catalog,
        scanner: Scanner,
        *,
        on_changed: OnChanged,
        progress: OnProgress | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self._catalog = catalog
        self._scanner = scanner
        self._on_changed = on_changed
        self._progress: OnProgress = progress or _tell_nobody
        self._cancelled: Cancelled = cancelled or (lambda: False)
        self._report = Report()

    def everything(self) -> Report:
        """Look at the whole repository."""
        self._progress(Progress("looking", 0, 0))
        started = time.perf_counter()
        return self._bring(self._scanner.everything(), self._held(), started)

    def some(self, paths: Collection[str]) -> Report:
        """Look at these files and folders only; what is gone is dropped, a folder with all below it."""
        started = time.perf_counter()
        held = {path: each for path, each in self._held().items() if is_among(path, paths)}
        return self._bring(self._scanner.some(paths), held, started)

    def _held(self) -> dict[str, Held]:
        with self._catalog.reading() as connection:
            return lookups.held_files(connection)

    def _bring(self, scan: Scan, held: Mapping[str, Held], started: float) -> Report:
        self._report.left_out.update(scan.left_out)
        todo = self._plan(scan, held)
        self._report.unchanged = len(todo.unchanged)
        self._drop(todo.drop)
        self._read_all(todo.read, scan, held)
        self._report.seconds = time.perf_counter() - started
        return self._report

    def _plan(self, scan: Scan, held: Mapping[str, Held]) -> Plan:
        """Hash what may have changed; a new file is read in any case, so its digest can wait."""
        now = time.time_ns()
        digests = {path: each.key.digest for path, each in held.items()}
        stats = {path: each.stat for path, each in scan.files.items()}
        for path in suspects(stats, held):
            digests[path] = self._scanner.digest(path)
        disk = frozenset(
            FileKey(path, each.language, digests.get(path, "")) for path, each in scan.files.items()
        )
        todo = plan(disk, frozenset(each.key for each in held.values()))
        self._remember(todo, scan, held, now)
        return todo

    def _remember(self, todo: Plan, scan: Scan, held: Mapping[str, Held], now: int) -> None:
        """Keep the new times of files that were touched but say the same; ``now`` is before the hashing."""
        same = [Held(held[path].key, trusted(scan.files[path].stat, now)) for path in todo.unchanged]
        moved = [each for each in same if each.stat != held[each.key.path].stat]
        if moved:
            with self._catalog.writing() as connection:
                put_stats(connection, moved)

    def _drop(self, paths: Sequence[str]) -> None:
        if paths:
            with self._catalog.writing() as connection:
                changed = drop_files(connection, paths)
            self._report.dropped += len(paths)
            self._on_changed(changed)

    def _read_all(self, paths: Sequence[str], scan: Scan, held: Mapping[str, Held]) -> None:
        items = [(path, scan.files[path]) for path in paths]
        done = 0
        with closing(read_batches(self._scanner, items, BATCH)) as batches:
            while done < len(items):
                self._progress(Progress("reading", done, len(items)))
                if self._cancelled():
                    self._report.cancelled = True
                    return
                batch = next(batches)
                self._write(batch, held)
                done += len(batch)
        self._progress(Progress("reading", done, len(items)))

    def _write(self, batch: Sequence[ReadFile], held: Mapping[str, Held]) -> None:
        """Write a batch. What is refused by its content goes, if it was here."""
        parsed = [each.outcome for each in batch if isinstance(each.outcome, Parsed)]
        refused = {each.path: each.outcome for each in batch if isinstance(each.outcome, str)}
        self._report.left_out.update(refused.values())
        with self._catalog.writing() as connection:
            written = put_files(connection, parsed)
            dropped = drop_files(connection, [path for path in refused if path in held])
        self._report.read += len(parsed)
        self._on_changed(Changed(written.added, written.removed + dropped.removed))


def _tell_nobody(_: Progress) -> None:
    """Progress that nobody asked for."""
