"""The pool: one store an owner, least recently used dropped, never over its budget."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache.config import CacheShape
from kvcache.errors import CacheFull, LeaseError
from kvcache.places import Held
from kvcache.plan import plan_exact
from kvcache.pool import CachePool
from kvcache.spans import Role, tagged
from kvcache.store import KVStore

SHAPE = CacheShape(layers=1, kv_heads=1, head_dim=2, element_bytes=4)
STORE = 256 * SHAPE.token_bytes
OWNERS = ("a", "ab", "b", "c", "d")


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


def test_the_end_of_a_lease_takes_its_own_store_only() -> None:
    pool = make_pool(3)
    with pool.lease("a", 1):
        pool.release("a")
        with pool.lease("ab", 1):
            pass
    assert pool.owners == ("ab",)


def test_freeing_spares_what_is_leased_and_what_is_named() -> None:
    pool = make_pool(4)
    for owner in ("doc 1", "doc 2", "other"):
        with pool.lease(owner, 1):
            pass
    with pool.lease("leased", 1):
        pool.free(spare="doc")
        assert pool.owners == ("doc 1", "doc 2", "leased")
        pool.free()
        assert pool.owners == ("leased",)


class Wish(NamedTuple):
    """Something done to a pool; ``other`` and ``tokens`` are used where they mean something."""

    what: str
    owner: str
    other: str
    tokens: int


wishes = st.builds(
    Wish,
    st.sampled_from(["lease", "lease", "copy", "release", "nested"]),
    st.sampled_from(OWNERS),
    st.sampled_from(OWNERS),
    st.integers(1, 900),
)


def state(pool: CachePool) -> list[tuple[str, int, int]]:
    """Every store, by its identity, in order of use."""
    return [(owner, id(store), store.capacity) for owner, store in pool._stores.items()]


def storages(pool: CachePool) -> list[int]:
    """Where every tensor of every store lies in memory."""
    parts = [part for store in pool._stores.values() for part in vars(store).values()]
    return [part.untyped_storage().data_ptr() for part in parts if isinstance(part, torch.Tensor)]


def fulfil(pool: CachePool, wish: Wish) -> None:
    before = state(pool)
    if wish.what == "release":
        pool.release(wish.owner)
        assert not any(owner.startswith(wish.owner) for owner in pool.owners)
    elif wish.what == "copy" and wish.owner in pool.owners and wish.owner != wish.other:
        if pool.copy(wish.owner, wish.other):
            assert pool.owners[-1] == wish.other
            assert wish.owner in pool.owners
        else:
            assert state(pool) == before
    elif wish.what != "copy":
        with pool.lease(wish.owner, wish.tokens) as store:
            assert store.capacity >= wish.tokens
            pool.audit()
            if wish.what == "nested" and wish.other != wish.owner:
                fulfil(pool, wish._replace(what="lease", owner=wish.other))
            assert wish.owner in pool.owners
        assert wish.owner in pool.owners


@settings(deadline=None)
@given(st.lists(wishes, max_size=25), st.integers(1, 4))
def test_the_budget_holds_at_every_moment(history: list[Wish], stores: int) -> None:
    """Through any leases, one within another, copies and releases."""
    pool = make_pool(stores)
    for wish in history:
        before = state(pool)
        try:
            fulfil(pool, wish)
        except CacheFull:
            needed = wish.tokens if wish.what == "lease" else 2 * (wish.tokens + 255)
            assert needed > stores * 256 or wish.what == "nested"
            kept = [owner for owner, *_ in before]
            assert set(pool.owners) <= {*kept, wish.owner}
        pool.audit()
        assert pool.nbytes == sum(store.nbytes for store in pool._stores.values()) <= stores * STORE
        assert len(set(storages(pool))) == len(storages(pool))
    for owner in pool.owners:
        pool.release(owner)
    assert pool.nbytes == 0


def fill(store: KVStore, ids: tuple[int, ...]) -> None:
    with store.appending(ids) as rows:
        for layer in range(SHAPE.layers):
            keys = torch.tensor(ids, dtype=torch.float32)[None, None, :, None].expand(1, 1, len(ids), 2)
            store.write(layer, keys, values=-keys, rows=rows)


def test_a_copy_holds_the_same_and_goes_its_own_way() -> None:
    pool = make_pool(3)
    with pool.lease("a", 10) as store:
        fill(store, (1, 2, 3))
    assert pool.copy("a", "b")
    with pool.lease("b", 10) as twin, pool.lease("a", 10) as store:
        assert all(torch.equal(*pair) for pair in zip(twin.read(), store.read(), strict=True))
        fill(twin, (4,))
        store.truncate(1)
        assert (twin.ids, store.ids) == ((1, 2, 3, 4), (1,))


def test_a_copy_without_room_changes_nothing() -> None:
    pool = make_pool(4)
    for owner in ("target", "old"):
        with pool.lease(owner, 1):
            pass
    with pool.lease("a", 300) as store:
        fill(store, (1, 2))
    with pool.lease("old", 1):
        before = state(pool)
        assert not pool.copy("a", "target")
        assert state(pool) == before


def test_a_copy_drops_idle_stores_of_others_but_not_its_source() -> None:
    pool = make_pool(2)
    for owner in ("a", "old"):
        with pool.lease(owner, 1) as store:
            fill(store, (ord(owner[0]),))
    assert pool.copy("a", "b")
    assert set(pool.owners) == {"a", "b"}


def test_who_is_leased_is_not_copied() -> None:
    pool = make_pool(3)
    with pool.lease("a", 1):
        for source, target in (("a", "b"), ("b", "a")):
            with pytest.raises(LeaseError, match="in use"):
                pool.copy(source, target)


def test_what_is_held_is_told_in_order_of_use_and_whole() -> None:
    pool = make_pool(4)
    for owner in ("doc 1", "doc 2", "other", "doc 1"):
        with pool.lease(owner, 10) as store:
            store.whole()
            fill(store, (len(store),))
            store.apply(plan_exact(store.tokens, tagged([(Role.TAIL, (0, 9, 9))]), exact=1))
    with pool.lease("doc 3", 1):
        held = pool.held("doc")
    assert list(held) == ["doc 2", "doc 1"]
    assert held["doc 2"] == Held(tagged([(Role.TAIL, (0,))]), 1)
    assert pool.owners == ("doc 2", "other", "doc 1", "doc 3")
    with pool.lease("doc 2", 1) as store:
        assert not store.missing


def test_all_stores_of_one_document_are_released_at_once() -> None:
    pool = make_pool(4)
    for owner in ("doc 1", "doc 2", "other"):
        with pool.lease(owner, 1):
            pass
    pool.release("doc")
    assert pool.owners == ("other",)


def test_tokens_and_bytes_are_those_of_all_stores() -> None:
    pool = make_pool(4)
    for owner, ids in (("a", (1, 2)), ("b", (3,))):
        with pool.lease(owner, 1) as store:
            fill(store, ids)
    assert pool.cached_tokens == 3
    assert pool.nbytes == 2 * STORE
