"""Which stores live, and within how many bytes."""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

import torch

from kvcache.config import CacheShape
from kvcache.errors import CacheFull, LeaseError
from kvcache.places import Held
from kvcache.rotary import Rotary
from kvcache.store import KVStore, rounded_capacity


class CachePool:
    """Stores by owner, least recently used first, within a budget of bytes.

    The only writer of which stores live. A store that is leased is never dropped. Lives on
    the engine thread.
    """

    def __init__(
        self,
        shape: CacheShape,
        budget_bytes: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        rotary: Rotary | None = None,
    ) -> None:
        """``budget_bytes`` bounds the arenas of all stores together; without ``rotary`` no key moves.

        While a store grows, its old arenas live for a moment beside the new ones.
        """
        self._shape = shape
        self._budget = budget_bytes
        self._dtype = dtype
        self._device = device
        self._rotary = rotary
        self._stores: OrderedDict[str, KVStore] = OrderedDict()
        self._leased: set[str] = set()
        self._doomed: set[str] = set()
        """Owners, leased now, whose store goes when the lease ends."""

    @property
    def nbytes(self) -> int:
        """Bytes of all arenas. May be read from another thread."""
        return sum(store.nbytes for store in tuple(self._stores.values()))

    @property
    def budget_bytes(self) -> int:
        """What ``nbytes`` never exceeds."""
        return self._budget

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
                self._doomed.discard(owner)
                del self._stores[owner]

    def held(self, prefix: str) -> dict[str, Held]:
        """What the stores hold whose owners begin with ``prefix``, the one used last at the end.

        Tokens that a request left missing are forgotten first. Leased stores are left out.
        """
        found: dict[str, Held] = {}
        for owner, store in self._stores.items():
            if owner.startswith(prefix) and owner not in self._leased:
                store.whole()
                found[owner] = Held(store.tokens, store.exact)
        return found

    def copy(self, source: str, target: str) -> bool:
        """Let ``target`` hold what ``source`` holds, in place of what it held.

        False, and nothing changed, when no idle store of others could make room for it. Raises
        LeaseError when either is in use.
        """
        if {source, target} & self._leased:
            raise LeaseError(f"The cache of {source!r} or {target!r} is in use.")
        store = self._stores[source]
        try:
            self._make_room(store.nbytes, keep=target, spare=source)
        except CacheFull:
            return False
        self._stores.pop(target, None)
        self._stores.move_to_end(source)
        self._stores[target] = store.copy()
        return True

    def release(self, prefix: str) -> None:
        """Drop the stores whose owners begin with ``prefix``: now, or when their lease ends."""
        for owner in [owner for owner in self._stores if owner.startswith(prefix)]:
            if owner in self._leased:
                self._doomed.add(owner)
            else:
                del self._stores[owner]

    def free(self, *, spare: str | None = None) -> None:
        """Drop all stores but those that are leased and those whose owners begin with ``spare``."""
        for owner in [owner for owner in self._stores if owner not in self._leased]:
            if spare is None or not owner.startswith(spare):
                del self._stores[owner]

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
            store = KVStore(
                self._shape, capacity, dtype=self._dtype, device=self._device, rotary=self._rotary
            )
        store.grow(capacity)
        self._stores[owner] = store
        self._stores.move_to_end(owner)
        return store

    def _make_room(self, need: int, *, keep: str, spare: str | None = None) -> None:
        """Drop idle stores but ``spare``, oldest first, until one of ``need`` bytes for ``keep`` fits."""
        idle = [owner for owner in self._stores if owner not in {*self._leased, keep, spare}]
        others = sum(store.nbytes for owner, store in self._stores.items() if owner != keep)
        if others - sum(self._stores[owner].nbytes for owner in idle) + need > self._budget:
            raise CacheFull(
                f"The prompt needs {need // 2**20} MiB of cache; the budget is {self._budget // 2**20} MiB: "
                "raise engine.cache_bytes or show the model less context."
            )
        for owner in idle:
            if others + need <= self._budget:
                break
            others -= self._stores.pop(owner).nbytes
