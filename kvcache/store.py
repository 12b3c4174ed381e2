"""The keys and values of one token sequence.

Two arenas ``[layers, kv_heads, capacity, head_dim]`` hold keys and values by slot
(:mod:`kvcache.slots`). The store is the only writer of its arenas; it lives on the engine
thread.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch

from kvcache.config import CacheShape
from kvcache.errors import AuditError
from kvcache.slots import SlotTable

_FREE = torch.iinfo(torch.int64).max
"""Position of a slot that holds nothing: behind every query, so no query sees it."""

_GROWTH = 256
"""Arenas grow to multiples of this many slots."""


@dataclass(frozen=True)
class Append:
    """Tokens being encoded: what a forward pass needs to know of them.

    ``positions`` is ``[rows]``; ``mask`` is ``[rows, extent]``, True where the row may look.
    """

    slots: slice | torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    extent: int


class KVStore:
    """Cached keys and values of one sequence of tokens.

    After every call, ``tokens[i]`` is the token at position ``i`` and its keys and values
    lie in the slot the table names. A forward pass that fails leaves the store as it was.
    """

    def __init__(self, shape: CacheShape, capacity: int, *, dtype: torch.dtype, device: torch.device) -> None:
        """Allocate arenas for ``capacity`` tokens."""
        self._shape = shape
        self._table = SlotTable(capacity)
        self._tokens: list[int] = []
        size = (shape.layers, shape.kv_heads, capacity, shape.head_dim)
        self._keys = torch.zeros(size, dtype=dtype, device=device)
        self._values = torch.zeros(size, dtype=dtype, device=device)
        self._position_of = torch.full((capacity,), _FREE, dtype=torch.int64, device=device)

    def __len__(self) -> int:
        """Tokens held."""
        return len(self._tokens)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The token ids held, by position."""
        return tuple(self._tokens)

    @property
    def capacity(self) -> int:
        """Tokens the arenas have room for."""
        return self._table.capacity

    @property
    def nbytes(self) -> int:
        """Bytes of both arenas."""
        return self.capacity * self._shape.token_bytes

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` tokens; what is held stays in its slots."""
        if capacity <= self.capacity:
            return
        self._keys = _widen(self._keys, capacity)
        self._values = _widen(self._values, capacity)
        positions = torch.full((capacity,), _FREE, dtype=torch.int64, device=self._position_of.device)
        positions[: self.capacity] = self._position_of
        self._position_of = positions
        self._table.grow(capacity)

    def truncate(self, length: int) -> None:
        """Forget the tokens from position ``length`` on."""
        gone = self._table.order[length:]
        self._table.truncate(length)
        del self._tokens[length:]
        if gone:
            self._position_of[torch.tensor(gone, device=self._position_of.device)] = _FREE

    @contextmanager
    def appending(self, tokens: Sequence[int]) -> Generator[Append]:
        """Take ``tokens`` behind the sequence while a forward pass writes them.

        The pass must call :meth:`write` once for each layer. When the block raises, the
        tokens are forgotten again. Raises CacheFull, changing nothing, without room.
        """
        start = len(self)
        taken = self._table.append(len(tokens))
        self._tokens.extend(tokens)
        extent = self._table.extent
        try:
            slots = torch.tensor(taken, device=self._position_of.device)
            positions = torch.arange(start, start + len(tokens), device=self._position_of.device)
            self._position_of[slots] = positions
            mask = self._position_of[None, :extent] <= positions[:, None]
            yield Append(_as_slice(slots), positions, mask, extent)
        except BaseException:
            self.truncate(start)
            raise

    def write(
        self, layer: int, keys: torch.Tensor, *, values: torch.Tensor, append: Append
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's new keys and values and return all there are.

        ``keys`` and ``values`` are ``[1, kv_heads, rows, head_dim]``, keys after rotation.
        Returns views ``[1, kv_heads, extent, head_dim]`` of the arenas, by slot.
        """
        self._keys[layer, :, append.slots] = keys[0]
        self._values[layer, :, append.slots] = values[0]
        return self._keys[layer, None, :, : append.extent], self._values[layer, None, :, : append.extent]

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of keys and values ``[layers, kv_heads, length, head_dim]``, by position."""
        order = torch.tensor(self._table.order, dtype=torch.int64, device=self._keys.device)
        return self._keys[:, :, order], self._values[:, :, order]

    def audit(self) -> None:
        """Raise AuditError unless table, tokens and positions agree. Changes nothing."""
        self._table.audit()
        order = list(self._table.order)
        positions = _listed(self._position_of)
        if len(order) != len(self._tokens) or [positions[slot] for slot in order] != list(range(len(order))):
            raise AuditError("Tokens, slots and positions disagree.")
        if sum(position != _FREE for position in positions) != len(order):
            raise AuditError("A free slot carries a position.")


def rounded_capacity(tokens: int) -> int:
    """The capacity to allocate for ``tokens``: the next multiple of the growth step."""
    return -(-max(tokens, 1) // _GROWTH) * _GROWTH


def _widen(arena: torch.Tensor, capacity: int) -> torch.Tensor:
    layers, heads, old, dim = arena.shape
    wide = torch.zeros((layers, heads, capacity, dim), dtype=arena.dtype, device=arena.device)
    wide[:, :, :old] = arena
    return wide


def _listed(tensor: torch.Tensor) -> list[int]:
    return cast("list[int]", tensor.tolist())  # pyright: ignore[reportUnknownMemberType] # untyped there


def _as_slice(slots: torch.Tensor) -> slice | torch.Tensor:
    """A run of neighbouring slots as a slice, which is cheaper to write to."""
    listed = _listed(slots)
    if all(right == left + 1 for left, right in pairwise(listed)):
        return slice(listed[0], listed[-1] + 1) if listed else slice(0, 0)
    return slots
