"""Recorded passes by store and shape: a few, each as long as its store's arenas live."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from weakref import ref

import torch

from completion.shapes import PassShape
from kvcache.store import KVStore

Replay = Callable[[], torch.Tensor | None]
"""Runs a recorded pass over what its buffer holds now; its logits stand until the next replay."""


@dataclass(frozen=True)
class _Entry:
    store: "ref[KVStore]"
    generation: int
    replay: Replay | None

    def is_stale(self) -> bool:
        """Whether the store is gone, or has other arenas than it had then."""
        store = self.store()
        return store is None or store.generation != self.generation


class Recordings:
    """At most ``most`` entries, least recently used first. Lives on the engine thread.

    Holds no store: entries of a store that grew or is gone are dropped at the next look.
    """

    def __init__(self, most: int) -> None:
        """Start empty."""
        self._most = most
        self._entries: OrderedDict[tuple[int, PassShape], _Entry] = OrderedDict()

    def __len__(self) -> int:
        """Recorded passes, without those that were only asked for."""
        return sum(entry.replay is not None for entry in self._entries.values())

    def find(self, store: KVStore, shape: PassShape) -> Replay | None:
        """The recording for this store and shape, if there is one."""
        self._drop_stale()
        entry = self._entries.get((id(store), shape))
        if entry is None:
            return None
        self._entries.move_to_end((id(store), shape))
        return entry.replay

    def asked_before(self, store: KVStore, shape: PassShape) -> bool:
        """Whether this was asked already for this store and shape, and not too long ago."""
        if (id(store), shape) in self._entries:
            return True
        self.keep(store, shape, None)
        return False

    def keep(self, store: KVStore, shape: PassShape, replay: Replay | None) -> None:
        """Remember a recording, in place of the one that was not used for longest."""
        self._entries[id(store), shape] = _Entry(ref(store), store.generation, replay)
        self._entries.move_to_end((id(store), shape))
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _drop_stale(self) -> None:
        for key in [key for key, entry in self._entries.items() if entry.is_stale()]:
            del self._entries[key]
