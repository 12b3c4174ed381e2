"""The law of exact reuse: after any edits, the answer is that of a cold start."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.config import EngineConfig
from completion.engine import Engine
from completion.loading import LoadedModel
from tests.editing import CONFIG, Edit, User, assert_same, edits, starts
from tests.steps import run, run_some

then = st.sampled_from(["ask", "ask", "close", "accept", "auto", "close auto", "refresh", "recompute"])
relaxed = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@relaxed
@given(starts, st.lists(st.tuples(edits, then), min_size=1, max_size=8))
def test_after_any_edit_script_the_exact_answer_is_the_cold_one(
    tiny: LoadedModel, start: str, script: list[tuple[Edit, str]]
) -> None:
    """Whatever else was asked in between, and left how approximate, or broken off where."""
    engine = Engine(tiny, EngineConfig(prefill_chunk=8, refresh_chunk=8), CONFIG)
    user = User(start)
    for edit, then in script:
        user.edit(edit)
        if then.startswith("close"):
            mode = "auto" if then == "close auto" else "exact"
            run_some(engine.complete(user.task(reuse=mode)), edit.gone)
            engine.pool.audit()
            continue
        if then == "refresh":
            run_some(engine.refresh(user.task()), edit.gone)
            continue
        if then == "auto":
            user.ask(engine, "auto")
            continue
        warm = user.ask(engine, "recompute" if then == "recompute" else "exact")
        assert_same(warm, user.ask_cold(engine))
        assert warm.trace.reuse.exact
        assert warm.trace.reuse.shifted == 0
        if then == "recompute":
            assert warm.trace.reuse.computed == len(warm.trace.prompt_ids)
        if then == "accept":
            user.type(warm.text)
    assert engine.audit() < 1e-3


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(12)))
def test_documents_never_mix(tiny: LoadedModel, order: list[int]) -> None:
    """Requests of three documents in any order, with room for two caches only."""
    room = 2 * 256 * tiny.shape.token_bytes
    engine = Engine(tiny, EngineConfig(prefill_chunk=16, cache_bytes=room), CONFIG)
    for number in order:
        text = f"def f{number % 3}(x):\n    return {'x' * (number + 1)}"
        user = User(text, len(text))
        warm = run(engine.complete(user.task(f"doc{number % 3}", "exact")))
        assert_same(warm, user.ask_cold(Engine(tiny, EngineConfig(), CONFIG)))
        engine.pool.audit()
