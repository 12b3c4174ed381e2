"""Reading many files: in this process, or by several where there is much to read.

Parsing holds the interpreter's lock, so threads bring nothing; two processes read about twice as much.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from retrieval.config import RetrievalConfig
from retrieval.rows import Parsed
from retrieval.scan import OnDisk, Scanner

_MANY = 400
"""Files from which on the start of other processes pays."""
_MOST_READERS = 4
_AHEAD = 2
"""Batches that are read before they are written, for each process."""

Item = tuple[str, OnDisk]


class ReadFile(NamedTuple):
    """A file, or the reason why it is not indexed."""

    path: str
    outcome: Parsed | str


def read_batches(scanner: Scanner, items: Sequence[Item], size: int) -> Generator[list[ReadFile]]:
    """``items`` in batches of ``size``, in order. Closing the generator ends every process it started."""
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    count = min(len(os.sched_getaffinity(0)), _MOST_READERS)
    if len(items) < _MANY or count < 2:
        yield from (_read(scanner, batch) for batch in batches)
        return
    done = 0
    try:
        for batch in _by_processes(scanner, batches, count):
            yield batch
            done += 1
    except BrokenProcessPool:  # One was killed, for memory perhaps.
        yield from (_read(scanner, batch) for batch in batches[done:])


def _by_processes(
    scanner: Scanner, batches: Sequence[Sequence[Item]], count: int
) -> Iterator[list[ReadFile]]:
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    waiting: deque[Future[list[ReadFile]]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_read_there, scanner.root, scanner.config, batch))
            if len(waiting) > count * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(scanner: Scanner, batch: Sequence[Item]) -> list[ReadFile]:
    return [ReadFile(path, scanner.parse(path, on_disk)) for path, on_disk in batch]


def _read_there(root: Path, config: RetrievalConfig, batch: Sequence[Item]) -> list[ReadFile]:
    return _read(_scanner(root, config), batch)


@lru_cache(maxsize=1)
def _scanner(root: Path, config: RetrievalConfig) -> Scanner:
    return Scanner(root, config)


def _end_with_parent() -> None:
    """A reader whose parent was killed would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
