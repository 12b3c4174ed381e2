"""Rebuilds a store's truth from its tokens and compares."""

from collections.abc import Callable

from kvcache.errors import AuditError
from kvcache.store import KVStore


def largest_error(store: KVStore, recompute: Callable[[tuple[int, ...]], KVStore]) -> float:
    """Largest absolute difference between the store and a cold computation of its tokens.

    ``recompute`` encodes the tokens into a fresh store. Checks the bookkeeping of both
    first. Changes nothing; 0.0 for an empty store.
    """
    store.audit()
    if not len(store):
        return 0.0
    fresh = recompute(store.tokens)
    fresh.audit()
    if fresh.tokens != store.tokens:
        raise AuditError("The recomputed store holds other tokens.")
    return max(
        float((ours.float() - truth.float()).abs().max())
        for ours, truth in zip(store.read(), fresh.read(), strict=True)
    )
