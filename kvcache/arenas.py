"""The tensors of a store, by slot: keys, values, and where in the sequence they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch

from kvcache.config import CacheShape
from kvcache.errors import AuditError
from kvcache.rotary import Rotary
from kvcache.rows import FREE
from kvcache.transfer import upload


@dataclass(eq=False)
class Arenas:
    """Keys and values ``[layers, kv_heads, capacity, head_dim]``.

    Where keys can be turned there is a third arena: every key as it was computed. A key that
    moves is turned from there, so a thousand moves wear it out no more than one.
    """

    keys: torch.Tensor
    values: torch.Tensor
    born: torch.Tensor | None
    """Keys as they were computed, at the position they were born at."""
    position_of: torch.Tensor
    """The position of every slot, ``FREE`` where it holds nothing: int64 ``[capacity]``."""
    rotary: Rotary | None

    @staticmethod
    def empty(
        shape: CacheShape,
        capacity: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        rotary: Rotary | None,
    ) -> "Arenas":
        """Zeros for ``capacity`` slots."""
        size = (shape.layers, shape.kv_heads, capacity, shape.head_dim)
        keys, values = (torch.zeros(size, dtype=dtype, device=device) for _ in range(2))
        born = None if rotary is None else torch.zeros(size, dtype=dtype, device=device)
        return Arenas(keys, values, born, nowhere(capacity, device), rotary)

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Those of keys and values."""
        return (self.keys, self.values) if self.born is None else (self.keys, self.values, self.born)

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` slots; what is held stays where it is, to be placed anew."""
        self.keys = widened(self.keys, capacity)
        self.values = widened(self.values, capacity)
        if self.born is not None:
            self.born = widened(self.born, capacity)
        self.position_of = nowhere(capacity, self.position_of.device)

    def copy(self) -> "Arenas":
        """Others of equal content."""
        born = None if self.born is None else self.born.clone()
        keys, values, position_of = (part.clone() for part in (self.keys, self.values, self.position_of))
        return replace(self, keys=keys, values=values, born=born, position_of=position_of)

    def write(
        self, layer: int, keys: torch.Tensor, *, values: torch.Tensor, slots: slice | torch.Tensor
    ) -> None:
        """Write one layer's rows ``[kv_heads, rows, head_dim]``, as they are computed."""
        put(self.keys[layer], slots, keys)
        put(self.values[layer], slots, values)
        if self.born is not None:
            put(self.born[layer], slots, keys)

    def move(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """Copy what lies in the slots ``source`` to the slots ``target``, which may overlap them."""
        for arena in self.tensors:
            arena[:, :, target] = arena[:, :, source]

    def line_up(self, order: Sequence[int], start: int) -> None:
        """Move what lies in the slots ``order`` to those from ``start`` on, with room for one more layer."""
        if not order:
            return
        source, stop = self.upload(order), start + len(order)
        for layer in (layer for arena in self.tensors for layer in arena):
            layer[:, start:stop] = layer[:, source]

    def turn(self, slots: torch.Tensor, *, born: torch.Tensor, wanted: torch.Tensor) -> None:
        """Let keys computed at positions ``born`` stand for ``wanted``, where they can be turned."""
        if self.rotary is not None and self.born is not None:
            keys = self.born[:, :, slots]
            self.keys[:, :, slots] = self.rotary.turn(keys, computed_at=born, wanted_at=wanted)

    def place(self, order: Sequence[int], start: int = 0) -> None:
        """Write down the positions from ``start`` on of the sequence whose slots are ``order``."""
        slots = self.upload(order[start:])
        self.position_of[slots] = torch.arange(start, len(order), device=self.position_of.device)

    def free(self, slots: Sequence[int] | None = None) -> None:
        """These slots hold nothing any more; None: no slot does."""
        if slots is None:
            self.position_of.fill_(FREE)
        elif slots:
            self.position_of.index_fill_(0, self.upload(slots), FREE)

    def upload(self, numbers: Sequence[int]) -> torch.Tensor:
        """Numbers of slots or positions, on the device of the arenas."""
        return upload(numbers, self.position_of.device)

    def audit(self, order: Sequence[int]) -> None:
        """Raise AuditError unless the positions are those of the sequence whose slots are ``order``."""
        positions = listed(self.position_of)
        if [positions[slot] for slot in order] != list(range(len(order))):
            raise AuditError("Slots and positions disagree.")
        if sum(position != FREE for position in positions) != len(order):
            raise AuditError("A free slot carries a position.")


def nowhere(capacity: int, device: torch.device) -> torch.Tensor:
    """The positions of slots that hold nothing."""
    return torch.full((capacity,), FREE, dtype=torch.int64, device=device)


def widened(arena: torch.Tensor, capacity: int) -> torch.Tensor:
    """A larger arena ``[layers, kv_heads, capacity, head_dim]`` that begins with what ``arena`` holds."""
    layers, heads, old, dim = arena.shape
    wide = torch.zeros((layers, heads, capacity, dim), dtype=arena.dtype, device=arena.device)
    wide[:, :, :old] = arena
    return wide


def put(arena: torch.Tensor, slots: slice | torch.Tensor, rows: torch.Tensor) -> None:
    """Write ``rows`` ``[kv_heads, rows, head_dim]`` into one layer of an arena; the host reads no slots.

    Of rows for the same slot any one may win, or parts of each.
    """
    if isinstance(slots, slice):
        arena[:, slots] = rows
    else:
        arena.index_copy_(1, slots, rows)


def listed(tensor: torch.Tensor) -> list[int]:
    """The numbers of an integer tensor of one dimension."""
    return cast("list[int]", tensor.tolist())  # pyright: ignore[reportUnknownMemberType] # untyped there
