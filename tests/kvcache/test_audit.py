"""The audit compares what a store calls exact with a cold computation, and nothing else."""

import pytest
import torch

from completion.loading import LoadedModel
from kvcache.audit import largest_error
from kvcache.config import CacheShape
from kvcache.errors import AuditError
from kvcache.plan import plan_cold, plan_reuse
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.prompts import Parts

OLD = Parts(prefix=tuple(range(100, 120)), suffix=tuple(range(200, 210)), tail=(1, 2)).prompt
NEW = Parts(prefix=(*range(100, 105), 7, *range(105, 120)), suffix=tuple(range(200, 210)), tail=(1, 2)).prompt


def edited(loaded: LoadedModel) -> KVStore:
    """A store behind an edit: what is missing was encoded, what moved is stale."""
    store = KVStore(loaded.shape, 64, dtype=loaded.dtype, device=loaded.device, rotary=loaded.rotary)
    for plan in (plan_cold(store.tokens, OLD), plan_reuse(OLD, NEW)):
        store.apply(plan)
        loaded.forward.encode_at(store, store.missing)
    return store


def test_an_empty_store_is_right() -> None:
    shape = CacheShape(layers=1, kv_heads=1, head_dim=2, element_bytes=4)
    store = KVStore(shape, 4, dtype=torch.float32, device=torch.device("cpu"))

    def never(tokens: tuple[int, ...]) -> KVStore:
        raise AssertionError(f"{tokens} need no computation")

    assert largest_error(store, never) == 0.0


def test_what_is_stale_is_not_called_exact(tiny: LoadedModel) -> None:
    """The exact front equals a cold computation, what is behind it does not.

    The new token, right behind it, sits in a slot that is not its position's.
    """
    store = edited(tiny)
    assert store.exact == 6
    assert largest_error(store, tiny.forward.cold) < 1e-4
    store.compact()
    store._sequence._exact = len(store)  # a lie is what the audit is for
    assert largest_error(store, tiny.forward.cold) > 1e-2


def test_encoding_the_rest_makes_all_of_it_right(tiny: LoadedModel) -> None:
    store = edited(tiny)
    store.compact()
    while store.exact < len(store):
        tiny.forward.encode_at(store, range(store.exact, min(store.exact + 8, len(store))))
    assert largest_error(store, tiny.forward.cold) < 1e-4


def test_a_wrong_key_and_a_wrong_value_are_found(tiny: LoadedModel) -> None:
    for name in ("keys", "values"):
        store = edited(tiny)
        slot = store._sequence.table.order[3]
        vars(store._arenas)[name][1, 0, slot] += 0.5  # breaking it is the point
        assert largest_error(store, tiny.forward.cold) > 0.4


def test_other_tokens_are_no_truth(tiny: LoadedModel) -> None:
    store = edited(tiny)
    with pytest.raises(AuditError, match="other tokens"):
        largest_error(store, lambda ids: tiny.forward.cold((*ids[:-1], 5)))


def test_the_bookkeeping_is_audited_first(tiny: LoadedModel) -> None:
    store = edited(tiny)
    store._sequence._born.pop()  # breaking it is the point
    with pytest.raises(AuditError, match="disagree"):
        largest_error(store, tiny.forward.cold)


def test_an_audit_changes_nothing(tiny: LoadedModel) -> None:
    store = edited(tiny)
    store.apply(plan_reuse(NEW, tagged([(Role.PREFIX, (1, 2)), (Role.TAIL, (3,))])))
    before = store.tokens, store.exact, store.missing, [part.clone() for part in store.read()]
    largest_error(store, tiny.forward.cold)
    assert (store.tokens, store.exact, store.missing) == before[:3]
    assert all(torch.equal(*pair) for pair in zip(before[3], store.read(), strict=True))
