"""Prefill in chunks: pauses, keeps what was encoded, and gives the logits of one pass."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.forward import Forward
from completion.loading import LoadedModel
from completion.passes import TransformersPass
from kvcache.audit import largest_error
from kvcache.plan import plan_cold, plan_exact
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.steps import run, run_some

TOKENS = tuple(range(20, 53))


def wanting(loaded: LoadedModel, ids: tuple[int, ...] = TOKENS) -> KVStore:
    """A store in which all of ``ids`` are missing."""
    store = fresh_store(loaded)
    store.apply(plan_cold(store.tokens, tagged([(Role.TAIL, ids)])))
    return store


def fresh_store(loaded: LoadedModel) -> KVStore:
    return KVStore(loaded.shape, 64, dtype=loaded.dtype, device=loaded.device)


def test_chunks_change_nothing(tiny: LoadedModel) -> None:
    whole = tiny.forward.logits(fresh_store(tiny), TOKENS)
    for chunk in (1, 8, 32, 33, 100):
        store = wanting(tiny)
        logits = run(tiny.forward.fill(store, store.missing, chunk))
        assert torch.allclose(logits, whole, atol=1e-4)
        assert store.ids == TOKENS
        assert not store.missing


def test_closing_keeps_whole_chunks(tiny: LoadedModel) -> None:
    store = wanting(tiny)
    run_some(tiny.forward.fill(store, store.missing, 10), 2)
    store.whole()
    assert store.ids == TOKENS[:20]
    store.audit()


def test_a_pause_after_every_chunk_but_the_last(tiny: LoadedModel) -> None:
    assert sum(1 for _ in tiny.forward.fill(wanting(tiny), range(33), 8)) == 4
    assert sum(1 for _ in tiny.forward.fill(wanting(tiny, TOKENS[:8]), range(8), 8)) == 0


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 32), st.integers(0, 8), st.integers(1, 12))
def test_an_edit_encoded_anew_from_its_place_on_is_cold(
    tiny: LoadedModel, at: int, gone: int, chunk: int
) -> None:
    """Kept keys in front, everything behind computed in chunks: the logits of one plain pass."""
    store = wanting(tiny)
    run(tiny.forward.fill(store, store.missing, 16))
    wanted = tagged([(Role.TAIL, (*TOKENS[:at], 7, *TOKENS[at + gone :]))])
    plan = plan_exact(store.tokens, wanted, exact=store.exact)
    store.apply(plan)
    logits = run(tiny.forward.fill(store, plan.compute, chunk))
    assert store.exact == len(wanted)
    assert largest_error(store, tiny.forward.cold) < 1e-4
    assert torch.allclose(logits, tiny.forward.logits(fresh_store(tiny), wanted.ids), atol=1e-4)


@pytest.mark.parametrize("positions", [range(0, 33, 3), range(10, 20), [32]], ids=str)
def test_encoding_what_is_right_already_changes_nothing(tiny: LoadedModel, positions: Sequence[int]) -> None:
    """Rows anywhere see all that is in front of them, and nothing behind."""
    store = wanting(tiny)
    tiny.forward.encode_at(store, store.missing)
    before = store.read()
    tiny.forward.encode_at(store, positions)
    assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(before, store.read(), strict=True))
    assert store.exact == len(TOKENS)


def test_passes_tell_what_they_cost(tiny: LoadedModel) -> None:
    forward = Forward(TransformersPass(tiny.model), tiny.shape, dtype=tiny.dtype, device=tiny.device)
    guess = forward.costs.per_row_s
    store = wanting(tiny)
    run(forward.fill(store, store.missing, 16))
    assert forward.costs.per_row_s != guess
    assert forward.costs.rows_within(1.0) > 0


def test_a_cold_store_holds_the_tokens_exactly(tiny: LoadedModel) -> None:
    store = tiny.forward.cold(TOKENS)
    assert (store.ids, store.exact, store.missing) == (TOKENS, len(TOKENS), ())


def test_every_pass_of_a_request_teaches_what_a_row_costs(tiny: LoadedModel) -> None:
    """Also a prompt of one chunk, and the passes that decode."""
    forward = Forward(TransformersPass(tiny.model), tiny.shape, dtype=tiny.dtype, device=tiny.device)
    guess = forward.costs.per_row_s
    store = wanting(tiny)
    run(forward.fill(store, store.missing, 64))
    learnt = forward.costs.per_row_s
    assert learnt < guess  # a row of the tiny model takes microseconds, the guess is two milliseconds
    forward.logits(store, [1])
    forward.encode(store, [1])
    assert forward.costs.per_row_s == learnt  # passes of one row tell the base
    assert forward.costs.base_s > 0
