"""The engine when memory runs out under it: it gives up what it must, answers, and is whole afterwards."""

import itertools
import time
import weakref
from dataclasses import replace

import pytest
import torch

from completion.config import CompletionConfig, EngineConfig
from completion.drafting import Drafters
from completion.engine import Engine, Task
from completion.errors import OutOfMemory
from completion.loading import LoadedModel
from completion.records import Completion, CompletionRequest
from completion.reuse import owners_of
from completion.window import lay_out
from drafts.config import DraftConfig
from tests.editing import SOURCE
from tests.shortage import ShortOfMemory
from tests.steps import run

CONFIG = CompletionConfig(max_tokens=6)
LONG = SOURCE * 6
LARGE = 2_000
"""Bytes: an activation, no bookkeeping."""


def task(text: str = SOURCE, document: str | None = "doc") -> Task:
    request = CompletionRequest(text, len(text), document=document, language="python")
    layout = lay_out(text, len(text), None, CONFIG)
    return Task(request, layout, asked_at=time.perf_counter(), emit=lambda _: None)


@pytest.fixture
def engine(tiny: LoadedModel) -> Engine:
    """Has answered for another document already."""
    return answered_once(tiny)


def answered_once(tiny: LoadedModel) -> Engine:
    """It sends every draft of one drafter: what it allocates does not follow the clock."""
    drafters = Drafters(DraftConfig(drafter="suffix"))
    engine = Engine(tiny, EngineConfig(prefill_chunk=32, refresh_chunk=16), CONFIG, drafters)
    run(engine.complete(task(document="other")))
    return engine


def others(engine: Engine) -> list[str]:
    return [owner for owner in engine.pool.owners if not owner.startswith(owners_of("doc"))]


def cold(engine: Engine, asked: Task) -> Completion:
    return run(engine.complete(replace(asked, request=replace(asked.request, document=None))))


@pytest.fixture(scope="module")
def allocations(tiny: LoadedModel) -> int:
    """How many a request takes, from its prompt to its last token."""
    engine = answered_once(tiny)
    cold(engine, task())
    with ShortOfMemory(lambda *_: False) as memory:
        run(engine.complete(task()))
    return memory.count


@pytest.mark.parametrize("share", range(12))
def test_one_failure_anywhere_costs_the_other_documents_caches_and_nothing_else(
    engine: Engine, allocations: int, share: int
) -> None:
    """In an arena, in a layer, while decoding: the answer is the one of a machine with room."""
    truth = cold(engine, task())
    at = (allocations - 1) * share // 11
    with ShortOfMemory(lambda number, _: number == at) as memory:
        answer = run(engine.complete(task()))
    assert memory.failed == 1
    assert answer.trace.output_ids == truth.trace.output_ids
    assert others(engine) == []
    assert engine.audit() < 1e-3


def test_the_documents_own_cache_stays_where_dropping_others_helps(engine: Engine) -> None:
    first = run(engine.complete(task()))
    run(engine.complete(task(document="other")))
    with ShortOfMemory(lambda _, size: size > LARGE and bool(others(engine))) as memory:
        again = run(engine.complete(task()))
    assert memory.failed == 1
    assert again.trace.reuse.computed == 1
    assert again.trace.output_ids == first.trace.output_ids


def test_its_own_cache_goes_before_the_prompt_does(engine: Engine) -> None:
    first = run(engine.complete(task()))
    with engine.pool.lease(engine.pool.owners[-1], 1) as store:
        held = weakref.ref(store)
    del store
    with ShortOfMemory(lambda _, size: size > LARGE and held() is not None) as memory:
        again = run(engine.complete(task()))
    assert memory.failed == 2
    assert again.trace.reuse.kept == 0
    assert again.trace.prompt_ids == first.trace.prompt_ids
    assert again.trace.output_ids == first.trace.output_ids


def test_the_prompt_becomes_shorter_until_it_fits_and_stays_so_for_a_while(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    whole = cold(engine, task(LONG)).trace
    assert len(whole.prompt_ids) > 600
    arena = engine.loaded.shape.token_bytes * 256 // 3
    with ShortOfMemory(lambda _, size: size > arena) as memory:
        short = run(engine.complete(task(LONG))).trace
        assert 128 <= len(short.prompt_ids) <= len(whole.prompt_ids) // 2
        assert short.generated > 0
        assert memory.failed >= 3
        assert "Memory ran out" in caplog.text
        failed = memory.failed
        again = run(engine.complete(task(LONG))).trace
        assert memory.failed == failed
        assert again.reuse.computed == 1
        assert again.prompt_ids == short.prompt_ids
    assert engine.audit() < 1e-3
    engine._room._until = float("-inf")
    assert run(engine.complete(task(LONG))).trace.prompt_ids == whole.prompt_ids


def test_what_fits_in_no_way_is_told_and_the_next_request_is_answered(engine: Engine) -> None:
    truth = cold(engine, task())
    with ShortOfMemory(lambda *_: True), pytest.raises(OutOfMemory, match="smaller model"):
        run(engine.complete(task()))
    assert engine.pool.nbytes == 0
    assert run(engine.complete(task())).trace.output_ids == truth.trace.output_ids


def test_a_refresh_without_memory_ends_and_leaves_the_store_whole(tiny: LoadedModel) -> None:
    edited = task("import os\n" + SOURCE)
    for number in itertools.count(0, 41):
        engine = Engine(tiny, EngineConfig(refresh_chunk=16), replace(CONFIG, repair_tokens=0))
        run(engine.complete(task()))
        run(engine.complete(edited))
        with ShortOfMemory(lambda at, _, number=number: at == number) as memory:
            try:
                run(engine.refresh(edited))
            except torch.OutOfMemoryError:
                assert memory.failed
        if not memory.failed:
            break
        exact = replace(edited, request=replace(edited.request, reuse="exact"))
        assert run(engine.complete(exact)).trace.output_ids == cold(engine, edited).trace.output_ids
        assert engine.audit() < 1e-3
    assert number > 41
