"""Completions for the event loop: requests in, ghost text out."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import replace

from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine, Task
from completion.errors import (
    BadRequest,
    CompletionError,
    DocumentTooLarge,
    EngineBusy,
    EngineFailed,
    EngineStopped,
)
from completion.idle import IdleWork
from completion.loading import choose_device, load_model
from completion.progress import Progress
from completion.records import (
    FOLLOWS_EDITS,
    PREFIX_ONLY,
    Completion,
    CompletionRequest,
    EngineState,
    ServiceStatus,
)
from completion.registry import obtain
from completion.threads import use_threads
from completion.window import Layout, lay_out, settle
from completion.worker import Job, Priority, Worker

_log = logging.getLogger(__name__)

_STOP_S = 0.8


class CompletionService:
    """The one way to the engine. Lives on the event loop; only it writes the layouts."""

    def __init__(self, engine: EngineConfig, completion: CompletionConfig) -> None:
        """Nothing is loaded before :meth:`start`."""
        self._engine_config = engine
        self._config = completion
        self._worker = Worker(engine.max_waiting)
        self._engine: Engine | None = None
        self._failure = "The model has not been loaded."
        self._loading = "The model is being loaded."
        """The only words the engine thread writes; read while the state is LOADING."""
        self._state = EngineState.LOADING
        self._detail = ""
        self._loaded = asyncio.Event()
        self._layouts: dict[str, Layout] = {}
        self._idle = IdleWork(completion.refresh_after_s)
        self._jobs: set[tuple[str | None, Job[Completion]]] = set()

    async def start(self, on_change: Callable[[ServiceStatus], None] | None = None) -> None:
        """Start the engine thread and let it load the model; returns at once.

        ``on_change`` is called on the event loop when the state changes.
        """
        self._worker.start()
        job = self._worker.submit(self._load, Priority.CONTROL)
        job.result.add_done_callback(lambda future: self._on_loaded(future, on_change))

    async def ready(self) -> None:
        """Wait until the model is loaded. Raises EngineFailed when it cannot be."""
        await self._loaded.wait()
        self._loaded_engine()

    @property
    def refreshing(self) -> bool:
        """Whether a document left alone has its cache refreshed, or will have soon."""
        return self._idle.busy

    def status(self) -> ServiceStatus:
        """Where the engine stands, at this moment."""
        engine = self._engine
        if engine is None:
            detail = self._loading if self._state is EngineState.LOADING else self._detail
            return ServiceStatus(self._state, detail, model=self._engine_config.model)
        return ServiceStatus(
            state=self._state,
            detail=self._detail,
            model=engine.loaded.name,
            device=str(engine.loaded.device),
            weights=engine.loaded.weights,
            cache=_cache_of(engine, self._config),
            cache_bytes=engine.pool.nbytes,
            cache_budget_bytes=engine.pool.budget_bytes,
            cached_tokens=engine.pool.cached_tokens,
            waiting=self._worker.waiting,
        )

    async def complete(
        self, request: CompletionRequest, on_partial: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer a request; ``on_partial`` gets the text so far, on the event loop.

        Cancelling the awaiting task ends the job within one step. While the model loads the
        request waits. Raises BadRequest, DocumentTooLarge, EngineBusy, EngineFailed or
        EngineStopped.
        """
        self._check(request)
        if request.document:
            self._idle.touch(request.document)
        loop = asyncio.get_running_loop()

        def emit(text: str) -> None:
            if on_partial is not None:
                loop.call_soon_threadsafe(on_partial, text)

        task = Task(request, self._lay_out(request), asked_at=time.perf_counter(), emit=emit)
        job = self._worker.submit(lambda: self._loaded_engine().complete(task), Priority.INTERACTIVE)
        entry = (request.document, job)
        self._jobs.add(entry)
        try:
            completion = await job.result
        finally:
            job.cancel()
            self._jobs.discard(entry)
        if request.document in self._layouts and task.layout == self._layouts[request.document]:
            self._idle.due(request.document, lambda: self._refresh(task))
        return completion

    def forget(self, document: str) -> None:
        """The document was closed: end its jobs, drop its layout and its cache."""
        self._layouts.pop(document, None)
        self._idle.touch(document)
        for owner, job in self._jobs:
            if owner == document:
                job.cancel()

        def drop() -> Generator[None, None, None]:
            if self._engine is not None:
                self._engine.forget(document)
            yield from ()

        if self._state is not EngineState.STOPPED:
            self._worker.submit(drop, Priority.CONTROL)

    async def audit(self) -> float:
        """Recompute every cache from its tokens; the largest absolute difference found.

        Raises AuditError when the bookkeeping is broken. Slow: for tests and diagnosis.
        """

        def steps() -> Generator[None, None, float]:
            yield
            return self._loaded_engine().audit()

        return await self._worker.submit(steps, Priority.INTERACTIVE).result

    async def stop(self) -> None:
        """End every job and the engine thread, within a second."""
        self._state, self._detail = EngineState.STOPPED, "The engine was stopped."
        self._loaded.set()
        self._idle.close()
        if not await asyncio.to_thread(self._worker.stop, _STOP_S):
            _log.warning("The engine thread was in the middle of a step and is left behind.")

    def _refresh(self, task: Task) -> Job[int] | None:
        """Make the document's cache exact; where the tail has grown, anchor the prompt anew."""
        engine, request = self._engine, task.request
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

    def _load(self) -> Generator[None, None, None]:
        """Find and load the model, on the engine thread, which alone writes the outcome."""
        config = self._engine_config
        try:
            use_threads(config.threads)
            device = choose_device(config.device)
            location = obtain(
                config.model,
                models_dir=config.models_dir,
                has_gpu=device.type == "cuda",
                progress=self._on_progress,
            )
            yield
            loaded = load_model(location.name, location.directory, config)
            self._engine = Engine(loaded, config, self._config)
        except Exception as error:
            self._failure = _sentence(error)
            raise

    def _on_progress(self, progress: Progress) -> None:
        """Called on the engine thread while a model is fetched; ends that when we stop."""
        if self._state is EngineState.STOPPED:
            raise EngineStopped(self._detail)
        share = f" ({progress.done / progress.total:.0%})" if progress.total else ""
        self._loading = f"{progress.detail}{share}"

    def _on_loaded(
        self, future: asyncio.Future[None], on_change: Callable[[ServiceStatus], None] | None
    ) -> None:
        failed = future.cancelled() or future.exception() is not None
        if self._state is EngineState.STOPPED:
            return
        if failed:
            self._state, self._detail = EngineState.FAILED, self._failure
        else:
            self._state, self._detail = EngineState.READY, "The model is ready."
        self._loaded.set()
        if on_change is not None:
            on_change(self.status())

    def _loaded_engine(self) -> Engine:
        if self._engine is None:
            raise EngineFailed(self._failure)
        return self._engine

    def _check(self, request: CompletionRequest) -> None:
        if not 0 <= request.cursor <= len(request.text):
            raise BadRequest(
                f"The cursor ({request.cursor}) is outside the text ({len(request.text)} characters)."
            )
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


def _cache_of(engine: Engine, config: CompletionConfig) -> str:
    """What ``ServiceStatus.cache`` says."""
    if not engine.movable:
        return f"{engine.loaded.why_fixed} {PREFIX_ONLY}"
    if config.reuse == "auto":
        return FOLLOWS_EDITS
    chosen = f"The setting completion.reuse is {config.reuse}."
    return f"{chosen} {PREFIX_ONLY}" if config.reuse == "exact" else f"{chosen} Nothing is reused."


def _sentence(error: BaseException | None) -> str:
    if isinstance(error, CompletionError):
        return str(error)
    _log.error("The model could not be loaded.", exc_info=error)
    return f"The model could not be loaded: {type(error).__name__}: {error}"
