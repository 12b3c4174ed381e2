"""Which stores live, and within how many bytes."""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

import torch

from kvcache.config import CacheShape
from kvcache.errors import CacheFull, LeaseError
from kvcache.store import KVStore, rounded_capacity


class CachePool:
    """Stores by owner, least recently used first, within a budget of bytes.

    The only writer of which stores live. A store that is leased is never dropped. Lives on
    the engine thread.
    """

    def __init__(
        self, shape: CacheShape, budget_bytes: int, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        """``budget_bytes`` bounds the arenas of all stores together.

        While a store grows, its old arenas live for a moment beside the new ones.
        """
        self._shape = shape
        self._budget = budget_bytes
        self._dtype = dtype
        self._device = device
        self._stores: OrderedDict[str, KVStore] = OrderedDict()
        self._leased: set[str] = set()
        self._doomed: set[str] = set()
        """Owners, leased now, whose store goes when the lease ends."""

    @property
    def nbytes(self) -> int:
        """Bytes of all arenas. May be read from another thread."""
        return sum(store.nbytes for store in tuple(self._stores.values()))

    @property
    def cached_tokens(self) -> int:
        """Tokens of all stores. May be read from another thread."""
        return sum(len(store) for store in tuple(self._stores.values()))

    @property
    def owners(self) -> tuple[str, ...]:
        """Owners of the stores that live, least recently used first."""
        return tuple(self._stores)

    @contextmanager
    def lease(self, owner: str, tokens: int) -> Generator[KVStore]:
        """The owner's store, with room for ``tokens`` tokens, for the time of the block.

        Makes one when there is none; drops idle stores of others to stay in the budget.
        Raises CacheFull when even that is not enough, LeaseError when it is leased already.
        """
        if owner in self._leased:
            raise LeaseError(f"The cache of {owner!r} is in use.")
        store = self._fit(owner, rounded_capacity(tokens))
        self._leased.add(owner)
        try:
            yield store
        finally:
            self._leased.discard(owner)
            if owner in self._doomed:
                self.release(owner)

    def release(self, owner: str) -> None:
        """Drop the owner's store, if there is one: now, or when its lease ends."""
        if owner in self._leased:
            self._doomed.add(owner)
            return
        self._doomed.discard(owner)
        self._stores.pop(owner, None)

    def audit(self) -> None:
        """Audit every store's bookkeeping, and the budget. Changes nothing."""
        for store in self._stores.values():
            store.audit()
        if self.nbytes > self._budget:
            raise CacheFull(f"The caches take {self.nbytes} bytes of {self._budget}.")

    def _fit(self, owner: str, capacity: int) -> KVStore:
        store = self._stores.get(owner)
        if store is None or store.capacity < capacity:
            self._make_room(capacity * self._shape.token_bytes, keep=owner)
        if store is None:
            store = KVStore(self._shape, capacity, dtype=self._dtype, device=self._device)
        store.grow(capacity)
        self._stores[owner] = store
        self._stores.move_to_end(owner)
        return store

    def _make_room(self, need: int, *, keep: str) -> None:
        """Drop idle stores, oldest first, until a store of ``need`` bytes for ``keep`` fits."""

        def others() -> int:
            return sum(store.nbytes for owner, store in self._stores.items() if owner != keep)

        idle = [owner for owner in self._stores if owner not in self._leased and owner != keep]
        while others() + need > self._budget and idle:
            del self._stores[idle.pop(0)]
        if others() + need > self._budget:
            raise CacheFull(
                f"The prompt needs {need // 2**20} MiB of cache; the budget is {self._budget // 2**20} MiB: "
                "raise engine.cache_bytes or show the model less context."
            )
