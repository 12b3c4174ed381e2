"""The keys and values of one token sequence.

Arenas ``[layers, kv_heads, capacity, head_dim]`` hold keys and values by slot; which token sits
where, :mod:`kvcache.sequence` knows. Where keys can be turned there is a third arena: every key
as it was computed. A key that moves is turned from there, so a thousand moves wear it out no
more than one. The store is the only writer of its arenas; it lives on the engine thread.
"""

import copy
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch

from kvcache.arenas import is_tensor, listed, put, widened
from kvcache.config import CacheShape
from kvcache.errors import AuditError, UnsupportedShift
from kvcache.plan import Plan
from kvcache.rotary import Rotary
from kvcache.rows import FREE, Rows, RowTensors, StaticRows
from kvcache.sequence import CachedSequence, Move
from kvcache.spans import Role, TaggedTokens
from kvcache.transfer import upload

_GROWTH = 256
"""Arenas grow to multiples of this many slots."""


class KVStore:
    """Cached keys and values of one sequence of tokens.

    Between two calls every token that is not missing has its keys and values in the slot the
    sequence names, turned to its position. A forward pass that fails takes its tokens along;
    where tensors cannot follow the sequence, because memory ran out, the store is empty.
    """

    def __init__(
        self,
        shape: CacheShape,
        capacity: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        rotary: Rotary | None = None,
    ) -> None:
        """Allocate arenas for ``capacity`` tokens. Without ``rotary`` no key can move."""
        self._shape = shape
        self._rotary = rotary
        self._sequence = CachedSequence(capacity)
        size = (shape.layers, shape.kv_heads, capacity, shape.head_dim)
        self._keys = torch.zeros(size, dtype=dtype, device=device)
        self._values = torch.zeros(size, dtype=dtype, device=device)
        self._born = None if rotary is None else torch.zeros(size, dtype=dtype, device=device)
        """Keys as they were computed, at the position they were born at."""
        self._position_of = torch.full((capacity,), FREE, dtype=torch.int64, device=device)
        self._generation = 0

    def __len__(self) -> int:
        """Tokens held, missing ones among them."""
        return len(self._sequence)

    @property
    def tokens(self) -> TaggedTokens:
        """The tokens held and their roles, by position."""
        return self._sequence.tokens

    @property
    def ids(self) -> tuple[int, ...]:
        """The token ids held, by position."""
        return self._sequence.tokens.ids

    @property
    def exact(self) -> int:
        """How many tokens at the front equal a cold computation."""
        return self._sequence.exact

    @property
    def missing(self) -> tuple[int, ...]:
        """Positions that are not encoded yet, ascending."""
        return self._sequence.missing

    @property
    def capacity(self) -> int:
        """Tokens the arenas have room for."""
        return self._sequence.table.capacity

    @property
    def generation(self) -> int:
        """Grows when the arenas are other tensors than before."""
        return self._generation

    @property
    def can_move(self) -> bool:
        """Whether keys can be turned to other positions."""
        return self._rotary is not None

    @property
    def nbytes(self) -> int:
        """Bytes of all arenas."""
        return self.capacity * self._shape.token_bytes

    @property
    def holes(self) -> int:
        """Slots that must be read though they hold nothing."""
        return self._sequence.table.extent - len(self)

    def grow(self, capacity: int) -> None:
        """Make room for ``capacity`` tokens; what is held stays in its slots."""
        if capacity <= self.capacity:
            return
        self._generation += 1
        with self._or_empty():
            self._keys = widened(self._keys, capacity)
            self._values = widened(self._values, capacity)
            if self._born is not None:
                self._born = widened(self._born, capacity)
            position_of = torch.full((capacity,), FREE, dtype=torch.int64, device=self._keys.device)
            self._sequence.grow(capacity)
            self._position_of = position_of
            self._place()

    def apply(self, plan: Plan) -> None:
        """Become the wanted tokens of ``plan``: keep, turn what moved, leave the rest missing.

        Raises, changing nothing: CacheFull without room, ValueError for a plan made for other
        tokens, UnsupportedShift when a key would have to move and cannot.
        """
        if self._rotary is None and any(run.old != run.new for run in plan.kept):
            raise UnsupportedShift("The keys of this model cannot be moved to another position.")
        if plan.unchanged == len(self) == plan.held:
            self._sequence.apply(plan)
            with self._or_empty():
                self._place_from(plan.held)
            return
        self._settle(self._sequence.apply(plan))

    def truncate(self, length: int) -> None:
        """Forget the tokens from position ``length`` on."""
        gone = self._sequence.table.order[length:]
        self._sequence.truncate(length)
        if gone:
            with self._or_empty():
                self._position_of.index_fill_(0, self._slots(gone), FREE)

    def whole(self) -> None:
        """Forget the tokens that are missing; the rest closes up, or goes too where no key can move."""
        if self.missing:
            self._forget(())

    def compact(self) -> None:
        """Move every token to the slot of its position: no holes, no scattered reads."""
        with self._or_empty():
            order = self._slots(self._sequence.table.order)
            for arena in (self._keys, self._values, self._born):
                if arena is not None:
                    arena[:, :, : len(self)] = arena[:, :, order]
            self._sequence.compact()
            self._place()

    def copy(self) -> "KVStore":
        """A twin with tensors of its own."""
        twin = copy.copy(self)
        vars(twin).update({name: part.clone() for name, part in vars(self).items() if is_tensor(part)})
        twin._sequence = self._sequence.copy()  # noqa: SLF001 # its own class
        return twin

    @contextmanager
    def appending(self, tokens: Sequence[int], role: Role = Role.TAIL) -> Generator[Rows]:
        """Take ``tokens`` behind the sequence while a forward pass writes them.

        The pass must call :meth:`write` once for each layer. When the block raises, the
        tokens are forgotten again. Raises CacheFull, changing nothing, without room.
        """
        fresh = self._sequence.append(tokens, role)
        with self._encoding(fresh, unplaced=True) as rows:
            yield rows

    @contextmanager
    def encoding(self, positions: Sequence[int]) -> Generator[Rows]:
        """Encode the tokens at ascending ``positions``, missing or not, in one forward pass.

        A row sees every token at its position and in front of it, so all that is missing in
        front of the last row must be among the rows. The pass must call :meth:`write` once for
        each layer. When the block raises, these tokens and all missing ones are forgotten.
        """
        with self._encoding(positions, unplaced=False) as rows:
            yield rows

    def static_rows(self, packed: torch.Tensor, extent: int) -> StaticRows:
        """Rows that lie in the buffer ``packed``, for a pass over the first ``extent`` slots.

        What is recorded with them is good for these arenas only: see :attr:`generation`.
        """
        return StaticRows(packed, extent, self._position_of, self._keys.dtype)

    def write(
        self, layer: int, keys: torch.Tensor, *, values: torch.Tensor, rows: RowTensors
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's keys and values of ``rows`` and return all there are.

        ``keys`` and ``values`` are ``[1, kv_heads, rows, head_dim]``, keys after rotation.
        Returns views ``[1, kv_heads, extent, head_dim]`` of the arenas, by slot.
        """
        slots = rows.slots
        put(self._keys[layer], slots, keys[0])
        put(self._values[layer], slots, values[0])
        if self._born is not None:
            put(self._born[layer], slots, keys[0])
        return self._keys[layer, None, :, : rows.extent], self._values[layer, None, :, : rows.extent]

    def arenas(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Keys, values and keys as computed ``[layers, kv_heads, capacity, head_dim]``, the last one empty
        where no key can move. For a pass that writes every layer itself, inside of an ``encoding`` block.
        """
        return self._keys, self._values, self._keys[:0] if self._born is None else self._born

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of keys and values ``[layers, kv_heads, length, head_dim]``, by position."""
        order = self._slots(self._sequence.table.order)
        return self._keys[:, :, order], self._values[:, :, order]

    def audit(self) -> None:
        """Raise AuditError unless sequence and positions agree. Changes nothing."""
        self._sequence.audit()
        order = list(self._sequence.table.order)
        positions = listed(self._position_of)
        if [positions[slot] for slot in order] != list(range(len(order))):
            raise AuditError("Slots and positions disagree.")
        if sum(position != FREE for position in positions) != len(order):
            raise AuditError("A free slot carries a position.")

    @contextmanager
    def _encoding(self, positions: Sequence[int], *, unplaced: bool) -> Generator[Rows]:
        try:
            order, ids = self._sequence.table.order, self._sequence.tokens.ids
            rows = Rows(
                ids=tuple(ids[position] for position in positions),
                at=tuple(positions),
                slot_numbers=tuple(order[position] for position in positions),
                extent=self._sequence.table.extent,
                position_of=self._position_of,
                unplaced=unplaced,
            )
            yield rows
            rows.place()
            self._sequence.encoded(positions)
        except BaseException:
            self._forget(positions)
            raise

    def _forget(self, positions: Sequence[int]) -> None:
        """Forget ``positions`` and what is missing; without rotary also all that would have to move."""
        gone = {*positions, *self.missing}
        if self._rotary is None and gone:
            gone = set(range(min(gone), len(self)))
        self._settle(self._sequence.drop(gone))

    def _settle(self, moves: Sequence[Move]) -> None:
        """Turn the keys that moved, and let every slot carry its token's position."""
        with self._or_empty():
            self._place()
            if not moves or self._rotary is None or self._born is None:
                return
            slots = self._slots([move.slot for move in moves])
            born = self._slots([move.born for move in moves])
            wanted = self._slots([move.wanted for move in moves])
            keys = self._born[:, :, slots]
            self._keys[:, :, slots] = self._rotary.turn(keys, computed_at=born, wanted_at=wanted)

    @contextmanager
    def _or_empty(self) -> Generator[None]:
        """Let tensors follow the sequence; where that fails, as memory ran out, hold nothing at all."""
        try:
            yield
        except BaseException:
            self._sequence.truncate(0)
            self._position_of.fill_(FREE)
            raise

    def _place(self) -> None:
        """Write down the position of every slot."""
        self._position_of.fill_(FREE)
        self._place_from(0)

    def _place_from(self, start: int) -> None:
        """Write down the positions of the tokens from ``start`` on."""
        slots = self._slots(self._sequence.table.order[start:])
        self._position_of[slots] = torch.arange(start, len(self), device=self._position_of.device)

    def _slots(self, numbers: Sequence[int]) -> torch.Tensor:
        return upload(numbers, self._keys.device)


def rounded_capacity(tokens: int) -> int:
    """The capacity to allocate for ``tokens``: the next multiple of the growth step."""
    return -(-max(tokens, 1) // _GROWTH) * _GROWTH
