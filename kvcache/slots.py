"""Which slot of the arenas holds which token. Plain Python, no tensors.

A token keeps its slot for life; its position is its place in the sequence. Slots of removed
tokens are handed out again, lowest first, so order in memory says nothing about order in
the text: attention goes by position.
"""

import heapq
from collections.abc import Sequence

from kvcache.errors import AuditError, CacheFull


class SlotTable:
    """The slots ``0 .. capacity - 1`` and the sequence of those in use."""

    def __init__(self, capacity: int) -> None:
        """Start with every slot free. ``capacity`` counts slots and is at least 1."""
        if capacity < 1:
            raise ValueError("A slot table needs at least one slot.")
        self._capacity = capacity
        self._order: list[int] = []
        self._free = list(range(capacity))

    def __len__(self) -> int:
        """Tokens in the sequence."""
        return len(self._order)

    @property
    def capacity(self) -> int:
        """Slots there are."""
        return self._capacity

    @property
    def free(self) -> int:
        """Slots that hold nothing."""
        return len(self._free)

    @property
    def order(self) -> tuple[int, ...]:
        """The slot of each token, by position."""
        return tuple(self._order)

    @property
    def extent(self) -> int:
        """One more than the highest slot in use: how much of the arenas must be read."""
        return max(self._order, default=-1) + 1

    @property
    def in_place(self) -> int:
        """How many tokens at the front sit in the slots of their positions."""
        return next((at for at, slot in enumerate(self._order) if at != slot), len(self._order))

    def slot_of(self, position: int) -> int:
        """The slot of the token at ``position``."""
        return self._order[position]

    def check_room(self, length: int) -> None:
        """Raise CacheFull unless a sequence of ``length`` tokens fits. Changes nothing."""
        if length > self._capacity:
            raise CacheFull(f"{length} tokens do not fit into {self._capacity} slots.")

    def append(self, count: int) -> list[int]:
        """Give ``count`` new tokens behind the sequence their slots, and return these.

        Raises CacheFull, changing nothing, when fewer slots are free.
        """
        if count > len(self._free):
            raise CacheFull(f"{count} tokens do not fit: {self.free} of {self._capacity} slots are free.")
        slots = [heapq.heappop(self._free) for _ in range(count)]
        self._order.extend(slots)
        return slots

    def next_free(self, count: int) -> list[int]:
        """The slots that :meth:`append` would give, ascending. Changes nothing; raises CacheFull likewise."""
        slots = self.append(count)
        self.truncate(len(self) - count)
        return slots

    def truncate(self, length: int) -> None:
        """Forget the tokens from position ``length`` on and free their slots."""
        if not 0 <= length <= len(self._order):
            raise ValueError(f"Cannot truncate {len(self._order)} tokens to {length}.")
        for slot in self._order[length:]:
            heapq.heappush(self._free, slot)
        del self._order[length:]

    def rearrange(self, places: Sequence[int | None]) -> None:
        """Make ``places`` the sequence: a token's position until now, None for a new token.

        Slots of tokens that are not named are freed and may be given to new ones. Raises
        CacheFull, changing nothing, when the slots do not suffice; ValueError when a position
        is named twice or does not exist.
        """
        kept = [self._order[place] for place in places if place is not None]
        if len(set(kept)) != len(kept):
            raise ValueError("A token cannot stand at two positions.")
        self.check_room(len(places))
        free = sorted({*self._order, *self._free}.difference(kept))
        fresh = iter(free)
        self._order = [next(fresh) if place is None else self._order[place] for place in places]
        self._free = list(fresh)

    def compact(self) -> None:
        """Give position ``i`` slot ``i``; who owns the tensors moves their content."""
        self._order = list(range(len(self._order)))
        self._free = list(range(len(self._order), self._capacity))

    def copy(self) -> "SlotTable":
        """Another table with the same slots in use."""
        twin = SlotTable(self._capacity)
        twin._order, twin._free = list(self._order), list(self._free)
        return twin

    def grow(self, capacity: int) -> None:
        """Add free slots up to ``capacity``; never shrinks."""
        for slot in range(self._capacity, capacity):
            heapq.heappush(self._free, slot)
        self._capacity = max(self._capacity, capacity)

    def audit(self) -> None:
        """Raise AuditError unless every slot is either free or used, once. Changes nothing."""
        if sorted([*self._order, *self._free]) != list(range(self._capacity)):
            raise AuditError("Slots are lost, doubled or out of range.")
