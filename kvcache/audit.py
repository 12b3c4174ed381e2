"""Rebuilds a store's truth from its tokens and compares."""

from collections.abc import Callable

from kvcache.errors import AuditError
from kvcache.store import KVStore


def largest_error(store: KVStore, recompute: Callable[[tuple[int, ...]], KVStore]) -> float:
    """Largest absolute difference between what the store calls exact and a cold computation.

    ``recompute`` encodes tokens into a fresh store. Checks the bookkeeping of both first.
    Changes nothing; 0.0 where nothing is exact.
    """
    store.audit()
    exact = store.exact
    if not exact:
        return 0.0
    fresh = recompute(store.tokens.ids[:exact])
    fresh.audit()
    if fresh.tokens.ids != store.tokens.ids[:exact]:
        raise AuditError("The recomputed store holds other tokens.")
    return max(
        float((ours[:, :, :exact].float() - truth.float()).abs().max())
        for ours, truth in zip(store.read(), fresh.read(), strict=True)
    )
