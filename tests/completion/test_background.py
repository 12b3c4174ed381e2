"""Work that nobody waits for, on the tiny model: its steps, its stores, what it leaves to others."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from completion.background import Background
from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine
from completion.errors import EngineFailed, EngineStopped
from completion.loading import LoadedModel
from completion.records import CompletionRequest, EngineState
from completion.service import CompletionService
from completion.worker import Priority, Steps
from kvcache.errors import CacheFull
from tests.editing import SOURCE
from tests.steps import run
from tests.waiting import until

STEP = 8


def background(tiny: LoadedModel, *, tokens: int = 4_096) -> Background:
    """With room for so many tokens."""
    size = tokens * replace(tiny.shape, movable=False).token_bytes
    return Background(tiny, step_tokens=STEP, budget_bytes=size, stop_ids=frozenset())


def test_no_step_encodes_more_than_its_tokens(tiny: LoadedModel) -> None:
    work, seen = background(tiny), [0]
    prompt = tiny.codec.encode(SOURCE)[: 5 * STEP + 3]
    with work.store(len(prompt) + 20) as store:
        for _ in work.write(store, prompt, 20):
            assert 0 < work.encoded - seen[-1] <= STEP
            seen.append(work.encoded)
        assert len(store) == work.encoded == len(prompt) + 19
    assert len(seen) - 1 == 6 + 20


def test_what_is_written_is_what_a_cold_pass_says(tiny: LoadedModel) -> None:
    work = background(tiny)
    prompt = tiny.codec.encode(SOURCE)[:50]
    with work.store(60) as store:
        made = run(work.write(store, prompt, 3))
    for count, token in enumerate(made):
        cold = tiny.forward.cold([*prompt, *made[:count]][:-1])
        latest = [*prompt, *made[:count]][-1]
        assert int(tiny.forward.logits(cold, [latest]).argmax()) == token


def test_a_stop_token_ends_it_and_is_left_out(tiny: LoadedModel) -> None:
    prompt, work = tiny.codec.encode(SOURCE)[:50], background(tiny)
    with work.store(60) as store:
        made = run(work.write(store, prompt, 5))
    ended = Background(tiny, step_tokens=STEP, budget_bytes=1 << 30, stop_ids=frozenset({made[2]}))
    with ended.store(60) as store:
        assert run(ended.write(store, prompt, 5)) == made[: made.index(made[2])]


def test_stores_stay_within_their_own_budget(tiny: LoadedModel) -> None:
    work = background(tiny, tokens=512)
    with work.store(300) as store:
        assert work.nbytes == store.nbytes
        with pytest.raises(CacheFull, match=r"engine\.cache_bytes"), work.store(1):
            pass
    assert work.nbytes == 0
    with work.store(512):
        pass


def test_its_stores_are_beside_the_documents(tiny: LoadedModel) -> None:
    room = 1_024 * tiny.shape.token_bytes
    engine = Engine(tiny, EngineConfig(cache_bytes=room), CompletionConfig())
    with engine.pool.lease("doc", 1_024), engine.background.store(256) as store:
        assert engine.pool.owners == ("doc",)
        assert 0 < store.nbytes <= room // 4
    assert engine.background.step_tokens == EngineConfig().refresh_chunk


TEXT = "def first(x):\n    return x\n\n\ndef second(y):\n    \n"
REQUEST = CompletionRequest(TEXT, len(TEXT) - 1, document="doc", language="python", max_tokens=6)


@pytest.fixture
async def service(tiny_model_dir: Path) -> AsyncIterator[CompletionService]:
    engine = EngineConfig(
        model=str(tiny_model_dir), weights="float32", device="cpu", prefill_chunk=4, refresh_chunk=STEP
    )
    service = CompletionService(engine, CompletionConfig(refresh_after_s=60.0))
    await service.start()
    await service.ready()
    yield service
    await service.stop()


@dataclass
class Summary:
    """A real summary whose steps are noted, and which can be held at the end of its third one."""

    log: list[str] = field(default_factory=list[str])
    held: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    seen: list[Background] = field(default_factory=list[Background])

    def work(self, own: Background) -> Steps[int]:
        self.seen.append(own)
        prompt = own.codec.encode(SOURCE)[: 4 * STEP]
        try:
            with own.store(len(prompt) + 8) as store, closing(own.write(store, prompt, 8)) as steps:
                for number, _ in enumerate(steps):
                    if number == 2:
                        self.held.set()
                        assert self.go.wait(30)
                    self.log.append("step")
                    yield
            return len(self.log)
        finally:
            self.log.append("end")


def note(log: list[str], what: str) -> Steps[None]:
    log.append(what)
    yield


async def test_a_completion_waits_for_one_step_of_a_summary(service: CompletionService) -> None:
    summary = Summary()
    running = asyncio.create_task(service.run(summary.work, Priority.SUMMARY))
    await asyncio.to_thread(summary.held.wait, 30)
    asked = asyncio.create_task(service.complete(REQUEST))
    behind = asyncio.create_task(service.run(lambda _: note(summary.log, "answered"), Priority.INTERACTIVE))
    await until(lambda: service.status().waiting == 3)
    summary.go.set()
    await asyncio.gather(asked, behind)
    assert await running == 4 + 8 + 1
    assert summary.log.index("answered") == 3
    assert summary.log.count("step") == 4 + 8


async def test_as_an_equal_it_goes_to_its_end_first(service: CompletionService) -> None:
    """First in, first out: what the benchmark of the load shows as its control."""
    summary = Summary()
    running = asyncio.create_task(service.run(summary.work, Priority.INTERACTIVE))
    await asyncio.to_thread(summary.held.wait, 30)
    asked = asyncio.create_task(service.run(lambda _: note(summary.log, "answered"), Priority.INTERACTIVE))
    await until(lambda: service.status().waiting == 2)
    summary.go.set()
    await asyncio.gather(running, asked)
    assert summary.log == ["step"] * (4 + 8) + ["end", "answered"]


async def test_cancelled_it_ends_within_one_step_and_gives_back_its_store(service: CompletionService) -> None:
    """Also while something more urgent is running."""
    summary, urgent = Summary(), threading.Event()

    def busy(_: Background) -> Steps[None]:
        while not urgent.is_set():
            yield

    running = asyncio.create_task(service.run(summary.work, Priority.SUMMARY))
    await asyncio.to_thread(summary.held.wait, 30)
    more_urgent = asyncio.create_task(service.run(busy, Priority.INTERACTIVE))
    await until(lambda: service.status().waiting == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert summary.seen[0].nbytes > 0
    summary.go.set()
    await until(lambda: "end" in summary.log)
    assert summary.log == ["step"] * 3 + ["end"]
    await until(lambda: summary.seen[0].nbytes == 0)
    urgent.set()
    await more_urgent
    assert (await service.complete(REQUEST)).trace.generated > 0
    assert await service.audit() < 1e-3


def nothing(_: Background) -> Steps[None]:
    yield


async def test_a_model_is_waited_for_but_not_brought_back(tiny_model_dir: Path) -> None:
    engine = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu", unload_after_s=0.05)
    service = CompletionService(engine, CompletionConfig())
    await service.start()
    assert await service.run(nothing, Priority.EMBEDDING) is None
    await until(lambda: service.status().state is EngineState.UNLOADED)
    with pytest.raises(EngineFailed, match="comes back with the next request"):
        await service.run(nothing, Priority.EMBEDDING)
    await service.stop()
    with pytest.raises(EngineStopped):
        await service.run(nothing, Priority.EMBEDDING)
