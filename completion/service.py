"""Completions for the event loop: requests in, ghost text out."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TypeVar

from completion.background import Background
from completion.config import CompletionConfig, EngineConfig
from completion.engine import Task
from completion.errors import BadRequest, DocumentTooLarge, EngineBusy, EngineFailed, EngineStopped
from completion.idle import IdleWork
from completion.records import Completion, CompletionRequest, EngineState, ServiceStatus
from completion.residence import Residence
from completion.window import Layout, lay_out, settle
from completion.worker import Job, Priority, Steps, Worker
from drafts.config import DraftConfig

_log = logging.getLogger(__name__)

_STOP_S = 0.8
_HOTTEST = 100.0
"""Above, all tokens are as likely."""
_SEEDS = 2**63

T = TypeVar("T")


class CompletionService:
    """The one way to the engine. Lives on the event loop; only it writes the layouts."""

    def __init__(
        self, engine: EngineConfig, completion: CompletionConfig, drafts: DraftConfig | None = None
    ) -> None:
        """Nothing is loaded before :meth:`start`."""
        self._config = completion
        self._worker = Worker(engine.max_waiting)
        self._residence = Residence(self._worker, engine, completion, drafts or DraftConfig())
        self._layouts: dict[str, Layout] = {}
        """They outlive the model: when it comes back, the prompts are the same."""
        self._idle = IdleWork(completion.refresh_after_s)
        self._jobs: set[tuple[str | None, Job[Completion]]] = set()

    async def start(self) -> None:
        """Start the engine thread and let it load the model; returns at once."""
        self._worker.start()
        self._residence.start()

    async def ready(self) -> None:
        """Wait until the model is loaded, or was.

        Raises EngineFailed when it cannot be, EngineStopped behind :meth:`stop`.
        """
        await self._residence.ready()

    async def wake(self) -> None:
        """Bring back a model that was let go, and wait until it is there. Raises as :meth:`ready`."""
        self._residence.use()
        await self._residence.ready()

    @property
    def refreshing(self) -> bool:
        """Whether a document left alone has its cache refreshed, or will have soon."""
        return self._idle.busy

    def status(self) -> ServiceStatus:
        """Where the engine stands, at this moment."""
        return replace(self._residence.status(), waiting=self._worker.waiting)

    async def changed(self, state: EngineState) -> None:
        """Wait until the engine's state is another than ``state``."""
        await self._residence.changed(state)

    async def complete(
        self, request: CompletionRequest, on_partial: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer a request; ``on_partial`` gets the text so far, on the event loop.

        Cancelling the awaiting task ends the job within one step. While the model loads the
        request waits; a model that was unloaded is brought back for it. Raises BadRequest,
        DocumentTooLarge, EngineBusy, EngineFailed or EngineStopped.
        """
        self._check(request)
        self._residence.use()
        if request.document:
            self._idle.touch(request.document)
        loop = asyncio.get_running_loop()

        def emit(text: str) -> None:
            if on_partial is not None:
                loop.call_soon_threadsafe(on_partial, text)

        engine = self._residence.loaded_engine
        task = Task(request, self._lay_out(request), asked_at=time.perf_counter(), emit=emit)
        job = self._worker.submit(lambda: engine().complete(task), Priority.INTERACTIVE)
        entry = (request.document, job)
        self._jobs.add(entry)
        try:
            completion = await job.result
        finally:
            job.cancel()
            self._jobs.discard(entry)
            self._residence.touch()
        if request.document in self._layouts and task.layout == self._layouts[request.document]:
            self._idle.due(request.document, lambda: self._refresh(task))
        return completion

    async def run(self, work: Callable[[Background], Steps[T]], priority: Priority) -> T:
        """Let ``work`` run on the engine thread, a step whenever nothing more urgent is to be done.

        Cancelling the awaiting task ends it within one step. It waits for a model that loads and keeps
        the model loaded while it runs, but does not bring one back. Raises EngineBusy, EngineFailed,
        EngineStopped, or what ``work`` raises.
        """
        if self._residence.state is EngineState.UNLOADED:
            raise EngineFailed(self._residence.status().detail)
        engine = self._residence.loaded_engine
        job = self._worker.submit(lambda: work(engine().background), priority)
        try:
            return await job.result
        finally:
            job.cancel()

    def forget(self, document: str) -> None:
        """The document was closed: end its jobs, drop its layout and its cache."""
        self._layouts.pop(document, None)
        self._idle.touch(document)
        for owner, job in self._jobs:
            if owner == document:
                job.cancel()

        def drop() -> Generator[None, None, None]:
            with contextlib.suppress(EngineFailed):  # no model, so there is no cache
                self._residence.loaded_engine().forget(document)
            yield from ()

        if self._residence.state is not EngineState.STOPPED:
            self._worker.submit(drop, Priority.CONTROL)

    async def audit(self) -> float:
        """Recompute every cache from its tokens; the largest absolute difference found.

        Raises AuditError when the bookkeeping is broken. Slow: for tests and diagnosis.
        """

        def steps() -> Generator[None, None, float]:
            yield
            return self._residence.loaded_engine().audit()

        return await self._worker.submit(steps, Priority.INTERACTIVE).result

    async def stop(self) -> None:
        """End every job and the engine thread, within a second."""
        self._residence.stop()
        self._idle.close()
        if not await asyncio.to_thread(self._worker.stop, _STOP_S):
            _log.warning("The engine thread was in the middle of a step and is left behind.")

    def _refresh(self, task: Task) -> Job[int] | None:
        """Make the document's cache exact; where the tail has grown, anchor the prompt anew."""
        engine, request = self._residence.engine, task.request
        if engine is None or not engine.movable or (request.reuse or self._config.reuse) != "auto":
            return None
        settled = replace(task, layout=settle(request.text, request.cursor, task.layout, self._config))
        try:
            job = self._worker.submit(lambda: engine.refresh(settled), Priority.REFRESH)
        except (EngineBusy, EngineStopped):
            return None
        job.result.add_done_callback(lambda result: self._adopt(task, settled, result))
        return job

    def _adopt(self, task: Task, settled: Task, result: asyncio.Future[int]) -> None:
        """Go on from the settled layout, now that its cache is there, unless the layout is another by now."""
        document = task.request.document
        failed = result.cancelled() or result.exception() is not None
        if document and not failed and self._layouts.get(document) == task.layout:
            self._layouts[document] = settled.layout

    def _check(self, request: CompletionRequest) -> None:
        if not 0 <= request.cursor <= len(request.text):
            raise BadRequest(
                f"The cursor ({request.cursor}) is outside the text ({len(request.text)} characters)."
            )
        if not (0 <= request.temperature <= _HOTTEST and 0 < request.top_p <= 1):
            raise BadRequest(
                f"Sampling takes a temperature from 0 to {_HOTTEST:g} and a top_p above 0 and up to 1, "
                f"not {request.temperature:g} and {request.top_p:g}."
            )
        if request.seed is not None and not 0 <= request.seed < _SEEDS:
            raise BadRequest(f"A seed is a number from 0 to {_SEEDS - 1}, not {request.seed}.")
        if len(request.text) > self._config.max_document_chars:
            raise DocumentTooLarge(
                f"The document has {len(request.text):,} characters; "
                f"completions stop at {self._config.max_document_chars:,}."
            )

    def _lay_out(self, request: CompletionRequest) -> Layout:
        previous = self._layouts.get(request.document) if request.document else None
        layout = lay_out(request.text, request.cursor, previous, self._config)
        if self._config.layout == "plain":
            return replace(layout, anchor=request.cursor)
        if request.document:
            self._layouts[request.document] = layout
        return layout
