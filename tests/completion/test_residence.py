"""The model leaves the memory when nobody uses it, and comes back with the next request."""

import asyncio
import shutil
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from completion.config import CompletionConfig, EngineConfig
from completion.errors import EngineFailed, EngineStopped
from completion.records import Completion, CompletionRequest, EngineState
from completion.service import CompletionService
from tests.waiting import until

TEXT = "def first(x):\n    return x\n\n\ndef second(y):\n    "
LATER = TEXT + "if y:\n        pass\n    else:\n        y = 1\n    z = y\n    "

Serve = Callable[..., AbstractAsyncContextManager[CompletionService]]


@pytest.fixture
def serve(tiny_model_dir: Path) -> Serve:
    """Makes services that are loaded, and stops them."""

    @asynccontextmanager
    async def serve(
        model: Path = tiny_model_dir, refresh_after_s: float = 0.0, **config: Any
    ) -> AsyncIterator[CompletionService]:
        engine = EngineConfig(model=str(model), weights="float32", device="cpu", threads=1, **config)
        service = CompletionService(engine, CompletionConfig(max_tokens=6, refresh_after_s=refresh_after_s))
        await service.start()
        await service.ready()
        yield service
        await service.stop()

    return serve


async def ask(service: CompletionService, text: str = TEXT, document: str | None = "doc") -> Completion:
    return await service.complete(CompletionRequest(text, len(text), document=document, language="python"))


def let_time_pass(service: CompletionService) -> None:
    """The timer goes off, a long time behind the last request."""
    timer = service._residence._timer
    assert timer is not None
    timer.cancel()
    service._residence._used_at = float("-inf")
    service._residence._on_time()


def timers() -> list[str]:
    """What the loop will call at a time."""
    handles: Any = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined] # no public way
    return [repr(handle) for handle in handles if not handle.cancelled()]


async def test_a_model_that_nobody_uses_is_freed_and_comes_back(serve: Serve) -> None:
    """Not even its layout is lost: the prompt is the one before, which no fresh request would have."""
    async with serve(unload_after_s=0.2, refresh_after_s=1e3) as service:
        await ask(service)
        before = await ask(service, LATER)
        model = weakref.ref(service._residence.loaded_engine().loaded.model)
        pool = weakref.ref(service._residence.loaded_engine().pool)
        known = service.status()
        await asyncio.wait_for(service.changed(EngineState.READY), 30)
        await until(lambda: model() is None and pool() is None)
        now = service.status()
        assert now.state is EngineState.UNLOADED
        assert "comes back with the next request" in now.detail
        assert (now.model, now.device, now.weights, now.cache) == (
            known.model,
            known.device,
            known.weights,
            known.cache,
        )
        assert (now.cache_bytes, now.cached_tokens, now.cache_budget_bytes) == (0, 0, 0)
        await service.ready()
        assert not any("_on_time" in timer for timer in timers())
        after = (await ask(service, LATER)).trace
        assert service.status().state is EngineState.READY
        assert after.output_ids == before.trace.output_ids
        assert after.reuse.computed == len(after.prompt_ids)
        cold = (await ask(service, LATER, None)).trace
        assert after.prompt_ids == before.trace.prompt_ids != cold.prompt_ids
        assert (await ask(service, LATER)).trace.reuse.computed == 1


async def test_a_request_that_comes_while_the_model_is_let_go_is_answered(serve: Serve) -> None:
    async with serve() as service:
        first = await ask(service)
        for _ in range(3):
            model = weakref.ref(service._residence.loaded_engine().loaded.model)
            await until(lambda: not service.refreshing)
            let_time_pass(service)
            assert service.status().state is EngineState.UNLOADED
            asked = [asyncio.create_task(ask(service)) for _ in range(2)]
            await asyncio.sleep(0)
            assert service.status().state is EngineState.LOADING
            answers = await asyncio.gather(*asked)
            assert all(answer.trace.output_ids == first.trace.output_ids for answer in answers)
            assert [answer.trace.reuse.kept > 0 for answer in answers] == [False, True]
            assert model() is None


async def test_a_refresh_that_is_due_does_not_bring_it_back(serve: Serve) -> None:
    async with serve(refresh_after_s=0.1) as service:
        await ask(service)
        let_time_pass(service)
        assert service.refreshing
        await until(lambda: not service.refreshing)
        assert service.status().state is EngineState.UNLOADED
        assert timers() == []


async def test_a_model_at_work_is_not_let_go(serve: Serve) -> None:
    async with serve() as service:
        asked = asyncio.create_task(ask(service))
        await until(lambda: service.status().waiting)
        let_time_pass(service)
        assert service.status().state is EngineState.READY
        await asked
        service._residence._on_time()
        assert service.status().state is EngineState.READY


async def test_there_is_one_timer_however_often_the_model_is_used(serve: Serve) -> None:
    async with serve() as service:
        for _ in range(20):
            await ask(service)
        await until(lambda: not service.refreshing)
        (only,) = timers()
        assert "_on_time" in only
    assert timers() == []


async def test_zero_keeps_the_model_for_ever(serve: Serve) -> None:
    async with serve(unload_after_s=0.0) as service:
        await ask(service)
        await until(lambda: not service.refreshing)
        assert timers() == []


async def test_closing_a_document_and_auditing_need_no_model(serve: Serve) -> None:
    async with serve() as service:
        await ask(service)
        await until(lambda: not service.refreshing)
        let_time_pass(service)
        service.forget("doc")
        with pytest.raises(EngineFailed):
            await service.audit()
        assert service.status().state is EngineState.UNLOADED
        assert (await ask(service)).trace.reuse.kept == 0


async def test_a_model_that_cannot_come_back_is_tried_again(
    serve: Serve, tiny_model_dir: Path, tmp_path: Path
) -> None:
    directory = shutil.copytree(tiny_model_dir, tmp_path / "model")
    async with serve(directory) as service:
        first = await ask(service)
        await until(lambda: not service.refreshing)
        let_time_pass(service)
        directory.rename(tmp_path / "away")
        with pytest.raises(EngineFailed) as told:
            await ask(service)
        await until(lambda: service.status().state is EngineState.FAILED)
        assert service.status().detail == str(told.value)
        (tmp_path / "away").rename(directory)
        assert (await ask(service)).trace.output_ids == first.trace.output_ids


async def test_too_little_memory_for_the_model_is_told(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    async with serve() as service:
        await ask(service)
        await until(lambda: not service.refreshing)
        let_time_pass(service)
        with monkeypatch.context() as patched:
            patched.setattr("completion.residence.load_model", run_out)
            with pytest.raises(EngineFailed, match="not enough memory for the model"):
                await ask(service)
        assert (await ask(service)).trace.generated > 0


async def test_stopping_ends_the_timer_and_whoever_waits(serve: Serve) -> None:
    async with serve() as service:
        await ask(service)
        let_time_pass(service)
        asked = asyncio.create_task(ask(service))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(service.ready())
        await asyncio.sleep(0)
    with pytest.raises(EngineStopped):
        await waiting
    ends = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(ends[0], EngineStopped | Completion)
    assert service.status().state is EngineState.STOPPED
    assert timers() == []
