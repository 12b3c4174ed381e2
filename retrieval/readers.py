"""Reading many files: in this process, or by several where there is much to read.

Parsing holds the interpreter's lock, so threads bring nothing; two processes read about twice as much.
"""

import contextlib
import gc
import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, NamedTuple, cast

from retrieval.pipe import receive, send, unpickled
from retrieval.refresh import Parsed
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
        yield from (read_here(scanner, batch) for batch in batches)
        return
    done = 0
    try:
        for batch in _by_processes(scanner, batches, count):
            yield batch
            done += 1
    except (EOFError, BrokenPipeError):  # One was killed, for memory perhaps.
        yield from (read_here(scanner, batch) for batch in batches[done:])


def read_here(scanner: Scanner, batch: Sequence[Item]) -> list[ReadFile]:
    """What the files say, read in this process."""
    return [ReadFile(path, scanner.parse(path, on_disk)) for path, on_disk in batch]


def _by_processes(
    scanner: Scanner, batches: Sequence[Sequence[Item]], count: int
) -> Iterator[list[ReadFile]]:
    readers = [_Reader(scanner) for _ in range(count)]
    idle: SimpleQueue[_Reader] = SimpleQueue()
    for reader in readers:
        idle.put(reader)

    def ask(batch: Sequence[Item]) -> bytes:
        reader = idle.get()
        try:
            return reader.ask(batch)
        finally:
            idle.put(reader)

    pool = ThreadPoolExecutor(count, "reader")
    waiting: deque[Future[bytes]] = deque()
    collects = gc.isenabled()
    gc.disable()  # what arrives has no cycles, and looking for them takes longer than unpickling
    try:
        for batch in batches:
            waiting.append(pool.submit(ask, batch))
            if len(waiting) > count * _AHEAD:
                yield unpickled(waiting.popleft().result())
        while waiting:
            yield unpickled(waiting.popleft().result())
    finally:
        if collects:
            gc.enable()
        for reader in readers:
            reader.kill()
        pool.shutdown(cancel_futures=True)
        for reader in readers:
            reader.close()


class _Reader:
    """A process that reads; the threads that ask it wait outside the interpreter's lock."""

    def __init__(self, scanner: Scanner) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "retrieval.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],  # so that it is this package that runs there
        )
        self._asked = cast("IO[bytes]", self._process.stdin)
        self._said = cast("IO[bytes]", self._process.stdout)
        send(self._asked, (scanner.root, scanner.config))

    def ask(self, batch: Sequence[Item]) -> bytes:
        """What the files say, pickled. Raises EOFError or BrokenPipeError when the process is gone."""
        send(self._asked, batch)
        return receive(self._said)

    def kill(self) -> None:
        """End it now; whoever waits for it gets EOFError."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let go of the pipes; nobody waits for it any more."""
        self._said.close()
        with contextlib.suppress(BrokenPipeError):
            self._asked.close()
