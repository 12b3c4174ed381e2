"""The drafters of an engine: what fits is used, what does not is refused by name, and no answer changes."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from completion.config import CompletionConfig, EngineConfig
from completion.drafting import Drafters
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from completion.records import Completion
from drafts.config import DraftConfig, DraftMode
from tests.completion.test_engine import CURSOR, TEXT, ask, task
from tests.steps import run, run_some
from tests.tiny import make_model

FIXED = CompletionConfig(max_tokens=24, repair_tokens=8)
"""The budget of repairs does not follow the clock."""


def load(directory: Path, **more: int) -> LoadedModel:
    """Another tiny model."""
    model = make_model(directory, **more)
    return load_model("small", model, EngineConfig(weights="float32", device="cpu"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Of the same tokenizer; its tables are padded to another size."""
    return load(tmp_path_factory.mktemp("small"), seed=9, padding=64)


def engine_of(tiny: LoadedModel, mode: DraftMode, small: LoadedModel | None = None) -> Engine:
    drafters = Drafters(DraftConfig(drafter=mode, window=5), small)
    return Engine(tiny, EngineConfig(prefill_chunk=8), FIXED, drafters)


def session(engine: Engine) -> list[Completion]:
    """A user asks, goes on typing, edits above, goes back; one request carries a prediction."""
    edited = TEXT.replace("return x", "return x + 1")
    moved = len(edited) - len(TEXT)
    asked = [
        task(),
        task(TEXT[:CURSOR] + "return " + TEXT[CURSOR:], CURSOR + 7),
        task(edited, CURSOR + moved),
        task(prediction="return second(y - 1)\n"),
        task(document=None),
        task(),
    ]
    return [ask(engine, each) for each in asked]


@pytest.mark.parametrize("mode", ["auto", "typed", "suffix", "small_model"])
def test_no_drafter_changes_an_answer(tiny: LoadedModel, small: LoadedModel, mode: DraftMode) -> None:
    plain = session(engine_of(tiny, "off"))
    drafted = session(engine_of(tiny, mode, small))
    assert [each.trace.output_ids for each in drafted] == [each.trace.output_ids for each in plain]
    assert [each.text for each in drafted] == [each.text for each in plain]
    assert [each.trace.reuse for each in drafted] == [each.trace.reuse for each in plain]
    assert sum(each.trace.drafts.passes for each in drafted) > 0


def test_a_model_that_drafts_for_itself_is_believed(tiny: LoadedModel) -> None:
    """All it says is accepted, so passes are few."""
    done = ask(engine_of(tiny, "small_model", tiny), task())
    drafts = done.trace.drafts
    assert drafts.drafted == drafts.accepted > 10
    assert drafts.passes <= -(-(done.trace.generated - 1) // 6) + 1
    assert [each.drafter for each in drafts.drafters] == ["small_model"]
    assert drafts.draft_ms > 0
    assert drafts.verify_ms > 0


def test_asked_again_the_answer_is_drafted_from_the_first(tiny: LoadedModel) -> None:
    engine = engine_of(tiny, "suffix")
    first, second = ask(engine, task()), ask(engine, task())
    assert second.trace.output_ids == first.trace.output_ids
    assert second.trace.drafts.passes < first.trace.drafts.passes
    assert second.trace.drafts.accepted > first.trace.generated // 2


def test_a_prediction_of_megabytes_costs_no_more_than_one_of_pages(tiny: LoadedModel) -> None:
    engine = engine_of(tiny, "typed")
    plain = ask(engine, task())
    started = time.perf_counter()
    told = run(engine.complete(task(prediction=f"{plain.text}\n" + "x = 1; y = 2\n" * 500_000)))
    assert time.perf_counter() - started < 2
    assert told.trace.output_ids == plain.trace.output_ids


def test_off_is_off(tiny: LoadedModel, small: LoadedModel) -> None:
    assert Drafters(DraftConfig(drafter="off"), small).chooser(tiny, cache_bytes=1, chunk=8) is None
    assert ask(engine_of(tiny, "off"), task()).trace.drafts.passes == 0


def test_a_draft_of_another_vocabulary_is_refused_and_the_engine_goes_on(
    tiny: LoadedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = load(tmp_path, vocabulary=700)
    assert ask(engine_of(tiny, "auto", other), task()).text == ask(engine_of(tiny, "off"), task()).text
    assert "The draft model small has another vocabulary than tiny" in caplog.text
    assert Drafters(DraftConfig(drafter="small_model"), other).chooser(tiny, cache_bytes=1, chunk=8) is None


def test_a_draft_on_another_device_is_refused(
    tiny: LoadedModel, small: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = replace(small, device=torch.device("meta"))
    chooser = Drafters(DraftConfig(drafter="small_model"), elsewhere).chooser(tiny, cache_bytes=1, chunk=8)
    assert chooser is None
    assert "The draft model is on meta, its target on cpu." in caplog.text


def test_both_caches_stay_within_the_budget(tiny: LoadedModel, small: LoadedModel) -> None:
    drafters = Drafters(DraftConfig(), small)
    share = drafters.cache_bytes(tiny, 1 << 20)
    assert share == (1 << 20) * small.shape.token_bytes // (small.shape.token_bytes + tiny.shape.token_bytes)
    assert Drafters().cache_bytes(tiny, 1 << 20) == 0
    engine = Engine(tiny, EngineConfig(cache_bytes=1 << 20), FIXED, drafters)
    assert engine.pool.budget_bytes == (1 << 20) - share


def test_a_cancelled_request_leaves_drafters_ready_for_the_next(
    tiny: LoadedModel, small: LoadedModel
) -> None:
    engine, plain = engine_of(tiny, "small_model", small), engine_of(tiny, "off")
    for steps in range(1, 30, 3):
        run_some(engine.complete(task()), steps)
        assert ask(engine, task()).trace.output_ids == ask(plain, task()).trace.output_ids


def test_an_idle_moment_lets_the_draft_model_read(tiny: LoadedModel, small: LoadedModel) -> None:
    engine, plain = engine_of(tiny, "small_model", small), engine_of(tiny, "off")
    run(engine.refresh(task()))
    (done,) = (ask(engine, task()),)
    assert done.trace.drafts.drafted > 0
    assert done.trace.output_ids == ask(plain, task()).trace.output_ids
    reading = engine.refresh(task(TEXT + "# more\n", CURSOR, document="other"))
    run_some(reading, 3)
    reading.close()
    assert ask(engine, task()).trace.output_ids == ask(plain, task()).trace.output_ids


def test_a_document_that_was_closed_is_forgotten(tiny: LoadedModel) -> None:
    engine = engine_of(tiny, "suffix")
    first = ask(engine, task())
    engine.forget("doc")
    again = run(engine.complete(task()))
    assert again.trace.drafts.accepted == first.trace.drafts.accepted
