"""Whether the model is in memory: loaded at the start, let go when nobody uses it, brought back by a request.

Lives on the event loop, which alone writes the state. Loading and letting go are jobs of the engine thread,
which alone writes the engine. Both are of the most urgent kind and equals keep their order, so a request that
comes while the model is let go is answered: the job that brings it back stands in front of its own.
"""

import asyncio
import logging
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import torch

from completion.config import CompletionConfig, EngineConfig
from completion.cpu.model import compile_soon
from completion.drafting import Drafters
from completion.engine import Engine
from completion.errors import CompletionError, EngineFailed, EngineStopped
from completion.loading import LoadedModel, choose_device, load_model
from completion.memory import give_back
from completion.progress import Progress
from completion.records import FOLLOWS_EDITS, PREFIX_ONLY, EngineState, ServiceStatus
from completion.registry import obtain
from completion.shortage import is_shortage
from completion.threads import use_threads
from completion.trained import is_trained, open_trained
from completion.worker import Priority, Worker
from drafts.config import DraftConfig
from drafts.errors import DraftError

_log = logging.getLogger(__name__)

_UNLOADED = "The model is unloaded and comes back with the next request."


class Residence:
    """The only one to load a model and to let it go."""

    def __init__(
        self, worker: Worker, engine: EngineConfig, completion: CompletionConfig, drafts: DraftConfig
    ) -> None:
        """Nothing is loaded before :meth:`start`."""
        self._worker = worker
        self._config = engine
        self._completion = completion
        self._drafts = drafts
        self._engine: Engine | None = None
        """Written by jobs on the engine thread alone, like the two sentences below."""
        self._failure = "The model has not been loaded."
        self._step = "The model is being loaded."
        self._known = ServiceStatus(EngineState.LOADING, "", model=engine.model)
        """Written on the event loop alone, like all that follows. What was last known of the model."""
        self._was_loaded = False
        self._changed = asyncio.Event()
        """Set when the state is another, and then replaced."""
        self._used_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> EngineState:
        """Where the engine stands."""
        return self._known.state

    @property
    def engine(self) -> Engine | None:
        """The engine, while the model is there, for the event loop to submit jobs to."""
        return self._engine if self.state is EngineState.READY else None

    def loaded_engine(self) -> Engine:
        """The engine, on the engine thread. Raises EngineFailed when the model could not be loaded."""
        if self._engine is None:
            raise EngineFailed(self._failure)
        return self._engine

    def status(self) -> ServiceStatus:
        """Where the engine stands, at this moment; who waits for it is left out."""
        if self.state is EngineState.LOADING:
            return replace(self._known, detail=self._step)
        engine = self.engine
        if engine is None:
            return self._known
        return replace(self._known, cache_bytes=engine.pool.nbytes, cached_tokens=engine.pool.cached_tokens)

    async def changed(self, state: EngineState) -> None:
        """Wait until the state is another than ``state``."""
        while self.state is state:
            await self._changed.wait()

    async def ready(self) -> None:
        """Wait until the model is loaded. Raises EngineFailed when it cannot be, EngineStopped."""
        await self.changed(EngineState.LOADING)
        if self.state is EngineState.STOPPED:
            raise EngineStopped(self._known.detail)
        if self.state is EngineState.FAILED:
            raise EngineFailed(self._known.detail)

    def start(self) -> None:
        """Let the engine thread load the model; returns at once."""
        job = self._worker.submit(self._load, Priority.CONTROL)
        job.result.add_done_callback(self._on_loaded)

    def use(self) -> None:
        """A request is about to be submitted: bring the model back where it was let go.

        Where it could not be brought back the last time, it is tried again.
        """
        self.touch()
        failed_again = self.state is EngineState.FAILED and self._was_loaded
        if failed_again or self.state is EngineState.UNLOADED:
            self._turn(EngineState.LOADING, "")
            self.start()

    def touch(self) -> None:
        """The model is in use now; the time until it is let go begins anew."""
        self._used_at = time.monotonic()

    def stop(self) -> None:
        """The worker is about to be stopped."""
        self._turn(EngineState.STOPPED, "The engine was stopped.")
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self, state: EngineState, detail: str) -> None:
        self._known = replace(self._known, state=state, detail=detail)
        self._changed.set()
        self._changed = asyncio.Event()

    def _on_loaded(self, future: asyncio.Future[ServiceStatus]) -> None:
        failed = future.cancelled() or future.exception() is not None
        if self.state is EngineState.STOPPED:
            return
        if failed:
            self._turn(EngineState.FAILED, self._failure)
            return
        self._known, self._was_loaded = future.result(), True
        self._turn(EngineState.READY, self._known.detail)
        self.touch()
        self._wait(self._config.unload_after_s)

    def _wait(self, seconds: float) -> None:
        """One timer, which looks at when the model was used last: a request never sets it anew."""
        if self._config.unload_after_s:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        if self._worker.waiting:
            self.touch()
        left = self._used_at + self._config.unload_after_s - time.monotonic()
        if left > 0:
            self._wait(left)
            return
        self._known = replace(self._known, cache_bytes=0, cached_tokens=0, cache_budget_bytes=0)
        self._turn(EngineState.UNLOADED, _UNLOADED)
        self._worker.submit(self._let_go, Priority.CONTROL)

    def _let_go(self) -> Generator[None, None, None]:
        """Drop model and caches, on the engine thread."""
        if self._engine is not None:
            device, self._engine = self._engine.loaded.device, None
            give_back(device)
        yield from ()

    def _load(self) -> Generator[None, None, ServiceStatus]:
        """Find and load the model, on the engine thread."""
        config = self._config
        self._step = "The model is being loaded."
        try:
            use_threads(config.threads)
            device = choose_device(config.device)
            if device.type == "cpu":
                compile_soon()
            loaded = yield from self._open(config.model, device)
            drafters = yield from self._open_draft(loaded)
            self._engine = Engine(loaded, config, self._completion, drafters)
            give_back(device)
        except Exception as error:
            self._failure = _sentence(error)
            raise
        return _status_of(self._engine, self._completion)

    def _open(self, model: str | None, device: torch.device) -> Generator[None, None, LoadedModel]:
        location = obtain(
            model,
            models_dir=self._config.models_dir,
            has_gpu=device.type == "cuda",
            progress=self._on_progress,
        )
        yield
        return load_model(location.name, location.directory, self._config)

    def _open_draft(self, target: LoadedModel) -> Generator[None, None, Drafters]:
        """The drafters, with the draft that the settings name; one that cannot be had is done without."""
        model, wanted = self._drafts.model, self._drafts.drafter
        if model is None or wanted in {"off", "typed", "suffix"}:
            return Drafters(self._drafts)
        try:
            if is_trained(model):
                yield
                extra = open_trained(Path(model).expanduser(), target, self._config)
            else:
                extra = yield from self._open(model, target.device)
        except (CompletionError, DraftError, torch.OutOfMemoryError) as error:
            refused = str(error) if isinstance(error, DraftError) else _sentence(error)
            _log.warning("The draft cannot be used: %s Completions go on without it.", refused)
            return Drafters(self._drafts, refused=refused)
        return Drafters(self._drafts, extra)

    def _on_progress(self, progress: Progress) -> None:
        """Called on the engine thread while a model is fetched; ends that when we stop."""
        if self.state is EngineState.STOPPED:
            raise EngineStopped(self._known.detail)
        share = f" ({progress.done / progress.total:.0%})" if progress.total else ""
        self._step = f"{progress.detail}{share}"


def _status_of(engine: Engine, config: CompletionConfig) -> ServiceStatus:
    return ServiceStatus(
        EngineState.READY,
        "The model is ready.",
        model=engine.loaded.name,
        device=str(engine.loaded.device),
        weights=engine.loaded.weights,
        cache=_cache_of(engine, config),
        cache_budget_bytes=engine.pool.budget_bytes,
        drafters=engine.drafting.names,
        draft_refused=engine.drafting.refused,
    )


def _cache_of(engine: Engine, config: CompletionConfig) -> str:
    """What ``ServiceStatus.cache`` says."""
    if not engine.movable:
        return f"{engine.loaded.why_fixed} {PREFIX_ONLY}"
    if config.reuse == "auto":
        return FOLLOWS_EDITS
    chosen = f"The setting completion.reuse is {config.reuse}."
    return f"{chosen} {PREFIX_ONLY}" if config.reuse == "exact" else f"{chosen} Nothing is reused."


def _sentence(error: BaseException) -> str:
    if isinstance(error, CompletionError) and not is_shortage(error):
        return str(error)
    if is_shortage(error):
        return "There is not enough memory for the model: close other programs, or choose a smaller model."
    _log.error("The model could not be loaded.", exc_info=error)
    return f"The model could not be loaded: {type(error).__name__}: {error}"
