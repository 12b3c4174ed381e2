"""The engine: what a request takes from the cache, and that it is always the cold answer."""

import time
from dataclasses import replace

import pytest

from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine, Task
from completion.errors import UnsupportedModel
from completion.loading import LoadedModel
from completion.records import Completion, CompletionRequest, FinishReason
from completion.window import lay_out
from kvcache.errors import CacheFull
from tests.steps import run, run_some

TEXT = "def first(x):\n    return x\n\n\ndef second(y):\n    if y:\n        \n\n\nprint(second(1))\n"
CURSOR = TEXT.index("        \n") + 8


def task(text: str = TEXT, cursor: int = CURSOR, *, document: str | None = "doc", **more: int) -> Task:
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


def test_settings_that_leave_no_room_for_a_prompt_are_refused(tiny: LoadedModel) -> None:
    with pytest.raises(UnsupportedModel, match="4096 positions"):
        Engine(tiny, EngineConfig(), CompletionConfig(max_tokens=4000))


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
