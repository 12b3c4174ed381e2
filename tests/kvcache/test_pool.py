"""The pool: one store an owner, least recently used dropped, never over its budget."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache.config import CacheShape
from kvcache.errors import CacheFull, LeaseError
from kvcache.pool import CachePool

SHAPE = CacheShape(layers=1, kv_heads=1, head_dim=2, element_bytes=4)
STORE = 256 * SHAPE.token_bytes


def make_pool(stores: int) -> CachePool:
    return CachePool(SHAPE, stores * STORE, dtype=torch.float32, device=torch.device("cpu"))


def test_an_owner_gets_the_same_store_again() -> None:
    pool = make_pool(2)
    with pool.lease("a", 10) as first:
        pass
    with pool.lease("a", 300) as second:
        assert second is first
        assert second.capacity == 512


def test_the_least_recently_used_store_goes_first() -> None:
    pool = make_pool(2)
    for owner in ("a", "b", "a", "c"):
        with pool.lease(owner, 1):
            pass
    assert pool.owners == ("a", "c")


def test_a_leased_store_is_never_dropped() -> None:
    pool = make_pool(1)
    with pool.lease("a", 1), pytest.raises(CacheFull, match=r"engine\.cache_bytes"), pool.lease("b", 1):
        pass
    assert pool.owners == ("a",)


def test_two_leases_of_one_owner_are_refused() -> None:
    pool = make_pool(1)
    with pool.lease("a", 1), pytest.raises(LeaseError, match="in use"), pool.lease("a", 1):
        pass


def test_a_store_released_while_leased_goes_with_the_lease() -> None:
    pool = make_pool(1)
    with pool.lease("a", 1):
        pool.release("a")
        assert pool.owners == ("a",)
    assert pool.owners == ()
    with pool.lease("a", 1):
        pass
    assert pool.owners == ("a",)


def test_what_does_not_fit_leaves_the_others_cached_store_usable() -> None:
    pool = make_pool(2)
    with pool.lease("a", 1):
        pass
    with pytest.raises(CacheFull), pool.lease("a", 1000):
        pass
    with pool.lease("a", 1) as store:
        assert store.capacity == 256


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 900)), max_size=20), st.integers(1, 4))
def test_the_budget_holds_at_every_moment(leases: list[tuple[str, int]], stores: int) -> None:
    pool = make_pool(stores)
    for owner, tokens in leases:
        try:
            with pool.lease(owner, tokens) as store:
                assert store.capacity >= tokens
                pool.audit()
        except CacheFull:
            assert tokens > stores * 256
        assert pool.nbytes <= stores * STORE
    for owner in pool.owners:
        pool.release(owner)
    assert pool.nbytes == 0
