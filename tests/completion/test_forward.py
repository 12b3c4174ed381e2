"""Prefill in chunks: pauses, keeps what was encoded, and gives the logits of one pass."""

import torch

from completion.loading import LoadedModel
from kvcache.store import KVStore
from tests.steps import run, run_some

TOKENS = tuple(range(20, 53))


def fresh_store(loaded: LoadedModel) -> KVStore:
    return KVStore(loaded.shape, 64, dtype=loaded.dtype, device=loaded.device)


def test_chunks_change_nothing(tiny: LoadedModel) -> None:
    whole = tiny.forward.logits(fresh_store(tiny), TOKENS)
    for chunk in (1, 8, 32, 33, 100):
        store = fresh_store(tiny)
        logits = run(tiny.forward.prefill(store, TOKENS, chunk))
        assert torch.allclose(logits, whole, atol=1e-4)
        assert store.tokens == TOKENS


def test_closing_keeps_whole_chunks(tiny: LoadedModel) -> None:
    store = fresh_store(tiny)
    run_some(tiny.forward.prefill(store, TOKENS, 10), 2)
    assert store.tokens == TOKENS[:20]
    store.audit()


def test_a_pause_after_every_chunk_but_the_last(tiny: LoadedModel) -> None:
    assert sum(1 for _ in tiny.forward.prefill(fresh_store(tiny), TOKENS, 8)) == 4
    assert sum(1 for _ in tiny.forward.prefill(fresh_store(tiny), TOKENS[:8], 8)) == 0
