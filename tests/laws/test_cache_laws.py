"""The law of exact reuse: after any edits, the answer is that of a cold start."""

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine, Task
from completion.loading import LoadedModel
from completion.records import Completion, CompletionRequest
from completion.window import Layout, lay_out
from tests.steps import run, run_some

CONFIG = CompletionConfig(max_tokens=8, prefix_chars=160, suffix_chars=80, tail_max_chars=60)

fragments = st.one_of(
    st.sampled_from(
        ["    ", "return ", "def f(x):\n", "x = foo.bar(", "\n\n", "ret", "é", "😀", "<|fim_middle|>", "\t"]
    ),
    st.text("ab \n().", max_size=8),
)
# Where the next edit happens (a share of the text), how much goes, what comes, what is done then.
edits = st.tuples(st.floats(0, 1), st.integers(0, 12), fragments, st.sampled_from(["ask", "close", "type"]))


def ask(text: str, cursor: int, layout: Layout, document: str | None) -> Task:
    request = CompletionRequest(text, cursor, document=document, language="python", reuse="exact")
    return Task(request, layout, asked_at=time.perf_counter(), emit=lambda _: None)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.lists(fragments, max_size=12).map("".join), script=st.lists(edits, min_size=1, max_size=8))
def test_after_any_edit_script_the_answer_is_the_cold_one(
    tiny: LoadedModel, start: str, script: list[tuple[float, int, str, str]]
) -> None:
    engine = Engine(tiny, EngineConfig(prefill_chunk=8), CONFIG)
    text, layout = start, None
    for where, gone, come, then in script:
        cursor = round(where * len(text))
        text = text[:cursor] + come + text[cursor + gone :]
        cursor += len(come)
        layout = lay_out(text, cursor, layout, CONFIG)
        if then == "close":
            run_some(engine.complete(ask(text, cursor, layout, "doc")), gone)
            engine.pool.audit()
            continue
        warm: Completion = run(engine.complete(ask(text, cursor, layout, "doc")))
        cold: Completion = run(engine.complete(ask(text, cursor, layout, None)))
        assert warm.trace.prompt_ids == cold.trace.prompt_ids
        assert warm.trace.output_ids == cold.trace.output_ids
        assert warm.text == cold.text
        assert cold.trace.reuse.kept == 0
        if then == "type":
            text = text[:cursor] + warm.text + text[cursor:]
    assert engine.audit() < 1e-3


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(12)))
def test_documents_never_mix(tiny: LoadedModel, order: list[int]) -> None:
    """Requests of three documents in any order, with room for two caches only."""
    room = 2 * 256 * tiny.shape.token_bytes
    engine = Engine(tiny, EngineConfig(prefill_chunk=16, cache_bytes=room), CONFIG)
    for number in order:
        text = f"def f{number % 3}(x):\n    return {'x' * (number + 1)}"
        layout = lay_out(text, len(text), None, CONFIG)
        warm = run(engine.complete(ask(text, len(text), layout, f"doc{number % 3}")))
        cold = run(Engine(tiny, EngineConfig(), CONFIG).complete(ask(text, len(text), layout, None)))
        assert warm.trace.output_ids == cold.trace.output_ids
        engine.pool.audit()
