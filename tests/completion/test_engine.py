"""The engine: what a request takes from the cache, what it costs, and that its stores stay whole."""

import time
from dataclasses import replace
from typing import Any

import pytest

from completion.config import CompletionConfig, EngineConfig, Reuse
from completion.drafting import Drafters
from completion.engine import Engine, Task
from completion.errors import UnsupportedModel
from completion.loading import LoadedModel
from completion.records import Completion, CompletionRequest, FinishReason
from completion.window import Layout, lay_out
from drafts.config import DraftConfig, DraftMode
from kvcache.errors import CacheFull
from tests.editing import SOURCE
from tests.steps import run, run_some

TEXT = "def first(x):\n    return x\n\n\ndef second(y):\n    if y:\n        \n\n\nprint(second(1))\n"
CURSOR = TEXT.index("        \n") + 8


def task(text: str = TEXT, cursor: int = CURSOR, *, document: str | None = "doc", **more: Any) -> Task:
    request = CompletionRequest(text, cursor, document=document, language="python", **more)
    layout = lay_out(text, cursor, None, CompletionConfig())
    return Task(request, layout, asked_at=time.perf_counter(), emit=lambda _: None)


def ask(engine: Engine, asked: Task) -> Completion:
    completion = run(engine.complete(asked))
    assert engine.audit() < 1e-3
    return completion


def test_the_same_question_costs_one_token(engine: Engine) -> None:
    first, second = ask(engine, task()), ask(engine, task())
    assert first.trace.reuse.kept == 0
    assert first.trace.reuse.computed == len(first.trace.prompt_ids)
    assert second.trace.reuse.computed == 1
    assert second.text == first.text
    assert second.trace.output_ids == first.trace.output_ids


def test_typing_appends(engine: Engine) -> None:
    first = ask(engine, task())
    typed = TEXT[:CURSOR] + "return (" + TEXT[CURSOR:]
    request = CompletionRequest(typed, CURSOR + 8, document="doc", language="python")
    layout = lay_out(TEXT, CURSOR, None, CompletionConfig())
    second = ask(engine, Task(request, layout, asked_at=0.0, emit=lambda _: None))
    assert second.trace.reuse.kept >= len(first.trace.prompt_ids) - 1
    assert second.trace.reuse.computed <= 8
    cold = ask(engine, Task(CompletionRequest(typed, CURSOR + 8), layout, asked_at=0.0, emit=lambda _: None))
    assert cold.trace.output_ids == second.trace.output_ids


def test_a_changed_block_moves_what_was_kept(engine: Engine) -> None:
    """Of a piece that goes, the pieces behind it and the file stay in the cache."""
    gone, kept = "# gone.py\n# gone = 1\n\n", "# kept.py\n# kept = value(1, 2)\n\n"
    ask(engine, task(context=gone + kept, reuse="auto"))
    reuse = ask(engine, task(context=kept, reuse="auto")).trace.reuse
    moved = reuse.shifted + reuse.repaired
    assert moved > reuse.prompt // 2
    assert reuse.kept + moved + reuse.computed - reuse.repaired == reuse.prompt
    added = ask(engine, task(context=kept + gone, reuse="auto")).trace.reuse
    assert added.kept > reuse.kept


def test_requests_without_a_document_keep_nothing(engine: Engine) -> None:
    ask(engine, task(document=None))
    assert engine.pool.owners == ()


def test_forgetting_drops_the_cache(engine: Engine) -> None:
    ask(engine, task())
    engine.forget("doc")
    assert engine.pool.nbytes == 0


@pytest.mark.parametrize("steps", range(0, 30, 3))
def test_closing_anywhere_leaves_the_store_whole(engine: Engine, steps: int) -> None:
    cold = ask(engine, task(document=None))
    run_some(engine.complete(task()), steps)
    assert engine.audit() < 1e-3
    again = ask(engine, task())
    assert again.trace.output_ids == cold.trace.output_ids


def test_a_crash_leaves_the_store_whole(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = ask(engine, task(document=None))
    layer = engine.loaded.model.model.layers[1]
    calls = 0

    def crash_later(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise RuntimeError("crash")

    hook = layer.register_forward_pre_hook(crash_later)
    with pytest.raises(RuntimeError, match="crash"):
        run(engine.complete(task()))
    hook.remove()
    assert engine.audit() < 1e-3
    assert ask(engine, task()).trace.output_ids == cold.trace.output_ids


@pytest.mark.parametrize("reuse", ["auto", "exact", "recompute"])
def test_requests_of_one_document_may_run_in_turns(engine: Engine, reuse: Reuse) -> None:
    """Each step of one between two steps of the other, from a store of its own; nothing is mixed up."""
    asked = [task(reuse=reuse), task(SOURCE, 90, reuse=reuse)]
    cold = [ask(engine, replace(each, request=replace(each.request, document=None))) for each in asked]
    ask(engine, asked[0])
    running = {number: engine.complete(each) for number, each in enumerate(asked)}
    answers: dict[int, Completion] = {}
    while running:
        for number, steps in list(running.items()):
            try:
                next(steps)
            except StopIteration as end:
                answers[number] = end.value
                del running[number]
    assert [answers[number].text for number in (0, 1)] == [each.text for each in cold]
    assert engine.audit() < 1e-3


def test_coming_back_to_an_evicted_document_costs_a_prefill_and_changes_nothing(tiny: LoadedModel) -> None:
    """Room for two stores: the document used longest ago goes, no other."""
    room = 2 * 256 * tiny.shape.token_bytes
    engine = Engine(tiny, EngineConfig(cache_bytes=room), CompletionConfig(max_tokens=4))
    first = ask(engine, task(document="a")).trace
    ask(engine, task(document="b"))
    assert ask(engine, task(document="a")).trace.reuse.computed == 1
    ask(engine, task(document="c"))
    assert [owner[0] for owner in engine.pool.owners] == ["a", "c"]
    assert ask(engine, task(document="a")).trace.reuse.computed == 1
    ask(engine, task(document="b"))
    ask(engine, task(document="c"))
    back = ask(engine, task(document="a")).trace
    assert back.reuse.computed == len(first.prompt_ids)
    assert back.output_ids == first.output_ids
    assert engine.pool.nbytes <= room


def test_limits_of_a_request_hold(engine: Engine) -> None:
    trace = ask(engine, task(max_tokens=3)).trace
    assert trace.generated <= 3
    if trace.generated == 3:
        assert trace.finish is FinishReason.TOKENS


def test_the_trace_tells_what_happened(engine: Engine) -> None:
    trace = ask(engine, task()).trace
    assert (trace.model, trace.device, trace.weights, trace.layout) == ("tiny", "cpu", "float32", "append")
    assert trace.generated == len(trace.output_ids)
    assert trace.reuse.prompt == len(trace.prompt_ids)
    assert trace.first_token_ms is None or 0 < trace.prompt_ms < trace.first_token_ms <= trace.total_ms


def test_an_edit_elsewhere_is_told_apart_from_a_cold_start(engine: Engine) -> None:
    """The trace tells what moved, what was repaired and that the answer is not exact."""
    long = SOURCE * 2
    cursor = long.rindex("    return value")
    layout = Layout(0, cursor, 0)
    asked = [
        Task(CompletionRequest(text, at, document="doc"), at_layout, asked_at=0.0, emit=lambda _: None)
        for text, at, at_layout in (
            (long, cursor, layout),
            ("import os\n" + long, cursor + 10, replace(layout, anchor=cursor + 10)),
        )
    ]
    first, second = (ask(engine, each).trace.reuse for each in asked)
    assert (first.kept, first.shifted, first.exact) == (0, 0, True)
    assert second.shifted > first.prompt // 4
    assert 8 <= second.repaired < second.computed
    assert not second.exact
    assert run(engine.refresh(asked[1])) > 0
    third = ask(engine, asked[1]).trace.reuse
    assert (third.computed, third.exact) == (1, True)
    assert run(engine.refresh(asked[1])) <= third.prompt


@pytest.mark.parametrize("reuse", ["auto", "exact", "recompute"])
def test_a_mode_may_be_a_setting_or_a_wish(tiny: LoadedModel, reuse: Reuse) -> None:
    setting = Engine(tiny, EngineConfig(), CompletionConfig(reuse=reuse, max_tokens=4))
    wish = Engine(tiny, EngineConfig(), CompletionConfig(max_tokens=4))
    for _ in range(2):
        costs = ask(setting, task()).trace.reuse, ask(wish, task(reuse=reuse)).trace.reuse
        assert costs[0] == costs[1]
    assert costs[0].computed == (costs[0].prompt if reuse == "recompute" else 1)


def test_a_window_larger_than_the_models_context_is_cut_to_it(tiny: LoadedModel) -> None:
    """Whatever the settings wish to show, prompt and answer fit; so does the next request."""
    config = CompletionConfig(max_tokens=3_800, prefix_chars=10**6, suffix_chars=10**6, tail_max_chars=10**6)
    engine = Engine(tiny, EngineConfig(prefill_chunk=512), config)
    text = "value = compute(value, other)\n" * 400
    for cursor in (6_000, 6_030):
        request = CompletionRequest(text, cursor, document="doc", max_tokens=4)
        wide = Task(request, lay_out(text, cursor, None, config), asked_at=0.0, emit=lambda _: None)
        trace = ask(engine, wide).trace
        assert 128 < trace.reuse.prompt <= tiny.max_positions - config.max_tokens
        assert trace.generated > 0
    assert trace.reuse.kept > 0


def test_a_budget_for_one_store_serves_documents_in_turn(tiny: LoadedModel) -> None:
    """No room for a copy or a second document: the one store goes from place to place."""
    engine = Engine(
        tiny, EngineConfig(cache_bytes=256 * tiny.shape.token_bytes), CompletionConfig(max_tokens=4)
    )
    cold = ask(engine, task(document=None)).trace
    for document in ("a", "b", "a"):
        for cursor in (CURSOR, 5, CURSOR):
            trace = ask(engine, task(cursor=cursor, document=document, reuse="exact")).trace
            assert len(engine.pool.owners) == 1
        assert trace.output_ids == cold.output_ids


def test_settings_that_leave_no_room_for_a_prompt_are_refused(tiny: LoadedModel) -> None:
    with pytest.raises(UnsupportedModel, match="4096 positions"):
        Engine(tiny, EngineConfig(), CompletionConfig(max_tokens=4000))


def test_without_a_wish_the_budget_is_a_part_of_what_is_free(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("completion.memory.available_memory", lambda: 6 << 30)
    assert Engine(tiny, EngineConfig(), CompletionConfig()).pool.budget_bytes == 3 << 29
    chosen = EngineConfig(cache_bytes=5 << 20)
    assert Engine(tiny, chosen, CompletionConfig()).pool.budget_bytes == 5 << 20


def test_a_cache_too_small_says_what_to_do(tiny: LoadedModel) -> None:
    engine = Engine(tiny, EngineConfig(cache_bytes=1000), CompletionConfig())
    with pytest.raises(CacheFull, match=r"engine\.cache_bytes"):
        run(engine.complete(task()))


def test_the_familys_own_stop_tokens_end_a_completion(tiny: LoadedModel) -> None:
    """Also one that the tokenizer keeps as an ordinary entry of its vocabulary."""
    ordinary = tiny.codec.find("d")
    assert ordinary is not None
    assert ordinary not in tiny.codec.special_ids
    family = replace(tiny.family, stop=("d", "<|not there|>"))
    engine = Engine(replace(tiny, family=family), EngineConfig(), CompletionConfig())
    assert engine.decoder.stop_ids == tiny.codec.special_ids | {ordinary}


def test_windows_wider_than_the_models_context_are_told_once(
    tiny: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    """They are cut, at the ends farthest from the cursor, and the prompt stays within the positions."""
    wide = CompletionConfig(prefix_chars=60_000, suffix_chars=20_000, max_tokens=4)
    engine = Engine(tiny, EngineConfig(prefill_chunk=512), wide)
    assert "room for 4,092" in caplog.text
    text = "value = 1\n" * 4_000
    layout = lay_out(text, 30_000, None, wide)
    request = CompletionRequest(text, 30_000, language="python")
    trace = run(engine.complete(Task(request, layout, asked_at=0.0, emit=lambda _: None))).trace
    assert len(trace.prompt_ids) <= 4_092
    caplog.clear()
    Engine(tiny, EngineConfig(), CompletionConfig())
    assert not caplog.text


@pytest.mark.parametrize("drafter", ["auto", "typed"])
def test_a_seed_gives_the_same_text_whoever_drafts(tiny: LoadedModel, drafter: DraftMode) -> None:
    """Healed, sampled and drafted: through the whole engine."""
    plain = Engine(tiny, EngineConfig(), CompletionConfig(), Drafters(DraftConfig(drafter="off")))
    drafting = Engine(tiny, EngineConfig(), CompletionConfig(), Drafters(DraftConfig(drafter=drafter)))
    greedy = ask(plain, task(document=None))
    texts: set[str] = set()
    drafted = 0
    for seed in range(6):
        asked = task(document=None, temperature=1.2, top_p=0.95, seed=seed)
        without = ask(plain, asked)
        predicting = replace(asked, request=replace(asked.request, prediction=without.text))
        answer = ask(drafting, predicting)
        assert answer.trace.output_ids == without.trace.output_ids
        texts.add(without.text)
        drafted += answer.trace.drafts.drafted
    assert len(texts - {greedy.text}) > 2
    assert drafted > 0
