"""Summaries for whoever asks, on the command line, by HTTP or in an editor. Lives on the event loop.

Reading files and asking the index happens in threads, writing on the engine thread at the priority of
summaries, so a keystroke waits for one step of it at most.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
from platformdirs import user_cache_path

from completion.background import Background
from completion.records import ServiceStatus
from completion.summaries.cache import Latest, Summary, SummaryCache, digest_of_subject
from completion.summaries.summarizer import Summarizer
from completion.summaries.wanted import Gathered, Surroundings, Wanted, gather
from completion.worker import Priority


class Writer(Protocol):
    """``completion.service.CompletionService``, as seen from here."""

    def status(self) -> ServiceStatus:
        """Where the engine stands."""
        ...

    async def wake(self) -> None:
        """Wait for a model that loads, and bring back one that was let go."""
        ...

    def run(
        self, work: Callable[[Background], Generator[None, None, Summary]], priority: Priority
    ) -> Awaitable[Summary]:
        """Let ``work`` run; cancelling the awaiting task ends it within one step."""
        ...


OpenIndex = Callable[[Path], AbstractAsyncContextManager[Surroundings | None]]
"""The index of a repository for the time of a block; None where there is none."""


@dataclass(frozen=True, slots=True)
class PartBegun:
    """The summary of ``name`` is being written; ``done`` of ``total`` are there."""

    done: int
    total: int
    name: str


@dataclass(frozen=True, slots=True)
class TextSoFar:
    """What is wanted, as far as it is written; of its parts none is told."""

    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """A summary that was made before."""

    summary: Summary
    stale: bool
    """Whether anything has changed of what it may have been made of."""


News = PartBegun | TextSoFar


class Summaries:
    """Makes and remembers them. Only its cache is written to."""

    def __init__(self, writer: Writer, cache: SummaryCache, open_index: OpenIndex) -> None:
        self._writer = writer
        self._cache = cache
        self._open_index = open_index

    async def summarize(self, wanted: Wanted, hear: Callable[[News], None] | None = None) -> Summary:
        """The summary of what is wanted; ``hear`` gets the news, on the event loop.

        Cancelling the awaiting task ends it within one step; summaries of parts that were done are kept.
        Raises what ``gather`` raises, EngineBusy, EngineFailed, EngineStopped or CacheFull.
        """
        held = await self._gather(wanted)
        await self._writer.wake()
        loop, model = asyncio.get_running_loop(), self._model()

        def tell(news: News) -> None:
            if hear:
                loop.call_soon_threadsafe(hear, news)

        writing = partial(
            Summarizer(model, self._cache, examples=held.examples).summarize,
            held.subject,
            emit=lambda text: tell(TextSoFar(text)),
            on_part=lambda done, total, name: tell(PartBegun(done, total, name)),
        )
        made = await self._writer.run(writing, Priority.SUMMARY)
        latest = Latest(made, digest_of_subject(model, held.subject, held.examples))
        await asyncio.to_thread(self._cache.remember, wanted.place, latest)
        return made

    async def stream(self, wanted: Wanted) -> AsyncGenerator[News | Summary]:
        """The news as they come, a text only where the one before was taken, and at the end the summary.

        Closing it ends the work. Raises what ``summarize`` raises.
        """
        news: asyncio.Queue[PartBegun | None] = asyncio.Queue()
        latest = shown = TextSoFar("")

        def hear(one: News) -> None:
            nonlocal latest
            if isinstance(one, TextSoFar):
                latest = one
                if news.empty():
                    news.put_nowait(None)
            else:
                news.put_nowait(one)

        task = asyncio.ensure_future(self.summarize(wanted, hear))
        task.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while not task.done():
                part = await news.get()
                if part is not None:
                    yield part
                elif latest != shown:
                    shown = latest
                    yield shown
            yield task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def known(self, wanted: Wanted) -> Known | None:
        """What was said of it last; None if nothing was. No model is needed, so this is quick."""
        latest = await asyncio.to_thread(self._cache.latest, wanted.place)
        if latest is None or not self._writer.status().weights:  # who would write it is not known yet
            return None
        held = await self._gather(wanted)
        seen = digest_of_subject(self._model(), held.subject, held.examples)
        return Known(latest.summary, stale=latest.seen != seen)

    async def _gather(self, wanted: Wanted) -> Gathered:
        async with self._open_index(wanted.root) as index:
            return await asyncio.to_thread(gather, wanted, index)

    def _model(self) -> str:
        """Names the weights: a summary of others is stale."""
        status = self._writer.status()
        return f"{status.model} {status.weights}"


def event_of(news: News | Summary) -> dict[str, Any]:
    """How news are told to clients: what is begun, the text so far, or the summary."""
    match news:
        case PartBegun(done, total, name):
            return {"kind": "part", "done": done, "total": total, "name": name}
        case TextSoFar(text):
            return {"kind": "text", "text": text}
        case Summary():
            return {"kind": "summary", **msgspec.to_builtins(news)}


def usual_cache() -> SummaryCache:
    """Where summaries are kept: the user's cache directory."""
    return SummaryCache(user_cache_path("splice", appauthor=False) / "summaries")
