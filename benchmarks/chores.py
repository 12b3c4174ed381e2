"""Load for the engine: this project's files summarised and indexed, over and over.

Real work of the kind that a repository asks for, through the door that it will use. What it makes is
thrown away; what it costs is noted, step by step.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from completion.background import Background
from completion.service import CompletionService
from completion.worker import Priority, Steps

CHUNK = 256
"""Tokens that are indexed as one."""
READ = 1_024
"""Tokens of a file that a summary reads at most."""
WRITTEN = 100
"""Tokens of a summary at most."""
_LEAST = 2_000
"""Characters of a file that is worth a summary."""
_PACKAGES = ("assistant", "completion", "kvcache")
_ROOT = Path(__file__).parents[1]

Work = Callable[[Background], Steps[Any]]


class Step(NamedTuple):
    """One step on the engine thread."""

    seconds: float
    tokens: int


@dataclass
class Meter:
    """What a kind of chore did. Written on the engine thread; read when nothing runs."""

    steps: list[Step] = field(default_factory=list[Step])
    ended: int = 0
    """Jobs that came to their end."""

    def metered(self, work: Work) -> Work:
        """The same work, each of its steps noted."""

        def steps(background: Background) -> Steps[None]:
            with closing(work(background)) as running:
                while self._goes_on(running, background):
                    yield
            self.ended += 1

        return steps

    def _goes_on(self, running: Steps[Any], background: Background) -> bool:
        """Take a step and note it; whether there is another one."""
        started, encoded = time.perf_counter(), background.encoded
        goes_on = next(running, self) is not self
        self.steps.append(Step(time.perf_counter() - started, background.encoded - encoded))
        return goes_on


def summary(text: str) -> Work:
    """Read the beginning of a file and say what it does."""

    def steps(background: Background) -> Steps[tuple[int, ...]]:
        ids = background.codec.encode(text[: READ * 8])[:READ]
        asked = [*ids, *background.codec.encode("\n\n# In one sentence, this file")]
        with background.store(len(asked) + WRITTEN) as store:
            return (yield from background.write(store, asked, WRITTEN))

    return steps


def indexing(text: str) -> Work:
    """Encode one chunk of a file."""

    def steps(background: Background) -> Steps[None]:
        ids = background.codec.encode(text)[:CHUNK]
        with background.store(len(ids)) as store:
            yield from background.read(store, ids)

    return steps


def files() -> list[str]:
    """The texts of this project's files, but for the shortest, always in the same order."""
    paths = sorted(path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py"))
    return [text for path in paths if len(text := path.read_text("utf-8")) >= _LEAST]


def chunks(texts: Sequence[str]) -> list[str]:
    """Pieces of about a chunk's length, counted in characters: three a token."""
    size = CHUNK * 3
    return [text[start : start + size] for text in texts for start in range(0, len(text), size)]


@dataclass(frozen=True)
class Chore:
    """Jobs of one kind, without an end; ``meter`` notes what they cost."""

    works: Iterator[Work]
    priority: Priority
    meter: Meter


@asynccontextmanager
async def running(service: CompletionService, chores: Iterable[Chore]) -> AsyncGenerator[None]:
    """For the time of the block one job of each chore is queued or runs; when it ends, the next one is.

    Behind the block none is wanted any more. What one of them raises, the block's end raises.
    """
    tasks = [asyncio.create_task(_endlessly(service, chore)) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _endlessly(service: CompletionService, chore: Chore) -> None:
    for work in chore.works:
        await service.run(chore.meter.metered(work), chore.priority)


def summaries() -> Iterator[Work]:
    """A summary of each file, again and again."""
    return map(summary, itertools.cycle(files()))


def index() -> Iterator[Work]:
    """Each chunk of all files, again and again."""
    return map(indexing, itertools.cycle(chunks(files())))
