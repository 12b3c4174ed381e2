"""The laws of reuse behind an edit: approximate at first, exact once refreshed, whole at any time."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from completion.config import EngineConfig
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from kvcache.audit import largest_error
from kvcache.places import Held
from kvcache.plan import plan_reuse
from kvcache.repair import Budget, repaired
from kvcache.spans import TaggedTokens
from kvcache.store import KVStore
from tests.editing import CONFIG, SOURCE, Edit, User, assert_same, edits, starts
from tests.steps import run, run_some
from tests.tiny import make_model

relaxed = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
scripts = st.lists(edits, min_size=1, max_size=6)


@pytest.fixture(scope="module")
def sibling(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Another model with the tokenizer of the tiny one."""
    directory = make_model(tmp_path_factory.mktemp("sibling"), seed=1)
    return load_model("sibling", directory, EngineConfig(weights="float32", device="cpu"))


def fresh_engine(loaded: LoadedModel, **more: int) -> Engine:
    return Engine(loaded, EngineConfig(prefill_chunk=8, **{"refresh_chunk": 8, **more}), CONFIG)


def held(engine: Engine) -> Held:
    """What the store used last holds."""
    return list(engine.pool.held("doc").values())[-1]


@relaxed
@given(starts, scripts, st.lists(edits, max_size=2))
def test_after_a_refresh_everything_is_exact(
    tiny: LoadedModel, start: str, script: list[Edit], unasked: list[Edit]
) -> None:
    """Also for a text that nobody has asked about yet."""
    engine = fresh_engine(tiny)
    user = User(start)
    for edit in script:
        user.edit(edit)
        warm = user.ask(engine)
        assert warm.trace.reuse.prompt == len(warm.trace.prompt_ids)
    for edit in unasked:
        user.edit(edit)
    run(engine.refresh(user.task()))
    tokens, exact = held(engine)
    prompt = engine.prompt(user.task().request, user.task().layout)
    assert exact == len(tokens)
    assert tokens.ids[: len(prompt.ids) - 1] == prompt.ids[:-1]
    assert engine.audit() < 1e-3
    refreshed = user.ask(engine)
    assert refreshed.trace.reuse.computed == 1
    assert refreshed.trace.reuse.exact
    assert_same(refreshed, user.ask_cold(engine))


@relaxed
@given(starts, scripts, st.integers(0, 12))
def test_a_refresh_that_is_broken_off_loses_nothing(
    tiny: LoadedModel, start: str, script: list[Edit], steps: int
) -> None:
    """Step by step the exact front grows; closed anywhere it stays, and the next one goes on there."""
    engine = fresh_engine(tiny)
    user = User(start)
    for edit in script:
        user.edit(edit)
        user.ask(engine)
    refresh = engine.refresh(user.task())
    reached = 0
    for _ in range(steps):
        if next(refresh, refresh) is refresh:
            break
        assert held(engine).exact > reached
        reached = held(engine).exact
    refresh.close()
    engine.pool.audit()
    assert engine.audit() < 1e-3
    left = len(held(engine).tokens) - held(engine).exact if reached else None
    encoded = run(engine.refresh(user.task()))
    assert left is None or encoded == left
    assert held(engine).exact == len(held(engine).tokens)


@relaxed
@given(starts, scripts, edits, st.integers(0, 6), st.sampled_from(["auto", "exact", "recompute"]))
def test_a_request_between_two_steps_of_a_refresh(
    tiny: LoadedModel, start: str, script: list[Edit], edit: Edit, steps: int, mode: str
) -> None:
    """The user types on while a refresh runs: answered, and the refresh ends without harm."""
    engine = fresh_engine(tiny)
    user = User(start)
    for each in script:
        user.edit(each)
        user.ask(engine)
    refresh = engine.refresh(user.task())
    ended = any(next(refresh, refresh) is refresh for _ in range(steps))
    user.edit(edit)
    warm = user.ask(engine, mode)  # type: ignore[arg-type] # a mode's name
    if mode != "auto":
        assert_same(warm, user.ask_cold(engine))
    if not ended:
        run(refresh)
    assert engine.audit() < 1e-3
    run(engine.refresh(user.task()))
    assert held(engine).exact == len(held(engine).tokens)
    assert_same(user.ask(engine), user.ask_cold(engine))


def test_typing_at_the_cursor_is_exact_and_costs_a_token_or_two(tiny: LoadedModel) -> None:
    engine = fresh_engine(tiny)
    user = User(SOURCE, SOURCE.index("    return value"))
    user.ask(engine)
    for letter in "    if value:\n        return first(":
        user.type(letter)
        warm = user.ask(engine)
        assert warm.trace.reuse.computed <= 5
        assert warm.trace.reuse.exact
        assert_same(warm, user.ask_cold(engine))


@relaxed
@given(st.integers(0, len(SOURCE)), st.text("ab \n(", min_size=1, max_size=6))
def test_typing_anywhere_is_exact(tiny: LoadedModel, cursor: int, typed: str) -> None:
    """As long as the layout stays what it was."""
    engine = fresh_engine(tiny)
    user = User(SOURCE, cursor)
    user.ask(engine)
    layout = user.layout
    for letter in typed:
        user.type(letter)
        user.task()
        assume(user.layout == layout)
        warm = user.ask(engine)
        assert warm.trace.reuse.exact
        assert warm.trace.reuse.shifted == 0
    assert_same(warm, user.ask_cold(engine))


def test_an_edit_far_from_the_cursor_is_shifted_and_says_that_it_is_stale(tiny: LoadedModel) -> None:
    """The answer costs little, and its trace does not call it exact."""
    wide = replace(CONFIG, prefix_chars=4_000, suffix_chars=1_000, repair_tokens=8)
    engine = Engine(tiny, EngineConfig(), wide)
    cursor = SOURCE.rindex("    return value")
    user = User(SOURCE, cursor, config=wide)
    first = user.ask(engine).trace.reuse
    user.text, user.cursor = "import os\n" + SOURCE, cursor + 10
    assert user.layout is not None
    user.layout = replace(user.layout, anchor=user.layout.anchor + 10)
    second = user.ask(engine).trace.reuse
    assert first.computed == first.prompt
    assert second.shifted > first.prompt // 2
    assert second.computed < first.prompt // 3
    assert second.repaired == 8
    assert 0 < second.stale <= second.kept + second.shifted
    assert not second.exact
    exact = user.ask(engine, "exact").trace.reuse
    assert exact.exact
    assert exact.computed > first.prompt // 2


@relaxed
@given(starts, st.lists(st.tuples(edits, st.text("ab\n", max_size=12)), min_size=1, max_size=4))
def test_a_block_in_front_that_changes_is_refreshed_too(
    tiny: LoadedModel, start: str, script: list[tuple[Edit, str]]
) -> None:
    engine = fresh_engine(tiny)
    user = User(start)
    for edit, context in script:
        user.edit(edit)
        user.context = context
        user.ask(engine)
    run(engine.refresh(user.task()))
    assert_same(user.ask(engine), user.ask_cold(engine))
    assert engine.audit() < 1e-3


def refresh(loaded: LoadedModel, store: KVStore) -> None:
    store.compact()
    while store.exact < len(store):
        loaded.forward.encode_at(store, range(store.exact, min(store.exact + 16, len(store))))


@relaxed
@given(starts, scripts)
def test_two_models_follow_the_same_edits_by_the_same_plans(
    tiny: LoadedModel, sibling: LoadedModel, start: str, script: list[Edit]
) -> None:
    """A plan knows tokens, not tensors: made once, it serves the target and its draft model."""
    planner = fresh_engine(tiny)
    user = User(start)
    stores = {
        name: KVStore(each.shape, 256, dtype=each.dtype, device=each.device, rotary=each.rotary)
        for name, each in (("target", tiny), ("draft", sibling))
    }
    models = {"target": tiny, "draft": sibling}
    tokens = TaggedTokens()
    for edit in script:
        user.edit(edit)
        task = user.task()
        wanted = planner.prompt(task.request, task.layout).tokens
        plan = repaired(plan_reuse(tokens, wanted), Budget(4))
        for name, store in stores.items():
            store.apply(plan)
            models[name].forward.encode_at(store, plan.compute)
        tokens = wanted
        assert stores["target"].exact == stores["draft"].exact
        assert stores["target"].tokens == stores["draft"].tokens == wanted
    for name, store in stores.items():
        assert largest_error(store, models[name].forward.cold) < 1e-3
        refresh(models[name], store)
        assert store.exact == len(store)
        assert largest_error(store, models[name].forward.cold) < 1e-3
    keys = [store.read()[0] for store in stores.values()]
    assert not torch.allclose(*keys)


@relaxed
@given(starts, st.lists(st.tuples(edits, st.booleans()), min_size=1, max_size=6))
def test_a_model_whose_keys_cannot_move_answers_exactly(
    tiny: LoadedModel, start: str, script: list[tuple[Edit, bool]]
) -> None:
    """By the common front alone, whatever is asked for; a refresh has nothing to improve."""
    fixed = replace(tiny, rotary=None, shape=replace(tiny.shape, movable=False))
    engine = fresh_engine(fixed)
    assert not engine.movable
    user = User(start)
    for edit, refreshed in script:
        user.edit(edit)
        if refreshed:
            run_some(engine.refresh(user.task()), edit.gone)
        warm = user.ask(engine, "auto")
        assert warm.trace.reuse.exact
        assert warm.trace.reuse.shifted == warm.trace.reuse.repaired == 0
        assert_same(warm, user.ask_cold(engine))
    assert warm.trace.reuse.computed + warm.trace.reuse.kept == len(warm.trace.prompt_ids)
    assert user.ask(engine, "auto").trace.reuse.computed == 1
    assert engine.audit() < 1e-3


@relaxed
@given(starts, scripts)
def test_asking_to_recompute_computes_everything(tiny: LoadedModel, start: str, script: list[Edit]) -> None:
    engine = Engine(tiny, EngineConfig(), replace(CONFIG, reuse="recompute"))
    user = User(start)
    for edit in script:
        user.edit(edit)
        warm = user.ask(engine)
        assert warm.trace.reuse.computed == len(warm.trace.prompt_ids)
        assert_same(warm, user.ask_cold(engine))
