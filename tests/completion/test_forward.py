"""Prefill in chunks: pauses, keeps what was encoded, and gives the logits of one pass."""

import torch

from completion.loading import LoadedModel
from kvcache.plan import plan_cold
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
