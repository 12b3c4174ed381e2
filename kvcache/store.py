"""The keys and values of one token sequence.

:mod:`kvcache.arenas` hold keys and values by slot; which token sits where,
:mod:`kvcache.sequence` knows. The store is the only writer of both; it lives on the engine thread.
"""

import copy
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch

from kvcache.arenas import Arenas
from kvcache.config import CacheShape
from kvcache.errors import UnsupportedShift
from kvcache.plan import Plan
from kvcache.rotary import Rotary
from kvcache.rows import Rows, RowTensors, StaticRows, branch_rows
from kvcache.sequence import CachedSequence, Move
from kvcache.spans import Role, TaggedTokens

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
        self._sequence = CachedSequence(capacity)
        self._arenas = Arenas.empty(shape, capacity, dtype=dtype, device=device, rotary=rotary)
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
        return self._arenas.rotary is not None

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
            self._arenas.grow(capacity)
            self._sequence.grow(capacity)
            self._place()

    def apply(self, plan: Plan) -> None:
        """Become the wanted tokens of ``plan``: keep, turn what moved, leave the rest missing.

        Raises, changing nothing: CacheFull without room, ValueError for a plan made for other
        tokens, UnsupportedShift when a key would have to move and cannot.
        """
        if not self.can_move and any(run.old != run.new for run in plan.kept):
            raise UnsupportedShift("The keys of this model cannot be moved to another position.")
        if plan.unchanged == len(self) == plan.held:
            self._sequence.apply(plan)
            with self._or_empty():
                self._arenas.place(self._sequence.table.order, plan.held)
            return
        self._settle(self._sequence.apply(plan))

    def truncate(self, length: int) -> None:
        """Forget the tokens from position ``length`` on."""
        gone = self._sequence.table.order[length:]
        self._sequence.truncate(length)
        with self._or_empty():
            self._arenas.free(gone)

    def whole(self) -> None:
        """Forget the tokens that are missing; the rest closes up, or goes too where no key can move."""
        if self.missing:
            self._forget(())

    def compact(self) -> None:
        """Move every token to the slot of its position: no holes, no scattered reads."""
        start = self._sequence.in_place
        with self._or_empty():
            self._arenas.line_up(self._sequence.table.order[start:], start)
            self._sequence.compact()
            self._place()

    def copy(self) -> "KVStore":
        """A twin with tensors of its own."""
        twin = copy.copy(self)
        vars(twin).update(_sequence=self._sequence.copy(), _arenas=self._arenas.copy())
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
    def branching(
        self, tokens: Sequence[int], parents: Sequence[int], role: Role = Role.TAIL
    ) -> Generator[Rows]:
        """Encode guesses behind the sequence in one forward pass, of which :meth:`keep` may keep a path.

        Token ``i`` stands behind token ``parents[i] < i``, or behind the sequence where that is
        ``ROOT``; it sees the sequence and what leads to it, and its row's position is where it
        stands if it is kept. A chain is a tree whose rows are those of :meth:`appending`. The
        store holds what it held, before and after; whatever else is done to it, and an error in
        the block, forgets the guesses. Raises, changing nothing, CacheFull without room for all,
        ValueError for other parents or while tokens are missing.
        """
        branch = self._sequence.branch(tokens, parents, role)
        rows = branch_rows(branch, self._sequence.table.extent, self._arenas.position_of)
        try:
            yield rows
            rows.withdraw()
            self._sequence.guessed(branch)
        except BaseException:
            with self._or_empty():
                self._place()
            raise

    def keep(self, path: Sequence[int]) -> None:
        """Let the guesses on ``path`` be the sequence's end, and forget the others.

        ``path`` are numbers of tokens given to :meth:`branching`, the root's child first. What
        the store holds is, slot for slot, what it would hold had these tokens been appended
        plainly: no key is turned, but those that lie elsewhere are copied there. Raises
        ValueError, changing nothing, for what is no path, and where nothing was guessed or the
        store has changed since.
        """
        start = len(self)
        copies = self._sequence.keep(path)
        with self._or_empty():
            if copies:
                source, target = (self._arenas.upload(numbers) for numbers in zip(*copies, strict=True))
                self._arenas.move(source, target)
            self._arenas.place(self._sequence.table.order, start)

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
        return StaticRows(packed, extent, self._arenas.position_of, self._arenas.keys.dtype)

    def write(
        self, layer: int, keys: torch.Tensor, *, values: torch.Tensor, rows: RowTensors
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's keys and values of ``rows`` and return all there are.

        ``keys`` and ``values`` are ``[1, kv_heads, rows, head_dim]``, keys after rotation.
        Returns views ``[1, kv_heads, extent, head_dim]`` of the arenas, by slot.
        """
        held = self._arenas
        held.write(layer, keys[0], values=values[0], slots=rows.slots)
        return held.keys[layer, None, :, : rows.extent], held.values[layer, None, :, : rows.extent]

    def arenas(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Keys, values and keys as computed ``[layers, kv_heads, capacity, head_dim]``, the last one empty
        where no key can move. For a pass that writes every layer itself, inside of an ``encoding`` block.
        """
        held = self._arenas
        return held.keys, held.values, held.keys[:0] if held.born is None else held.born

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of keys and values ``[layers, kv_heads, length, head_dim]``, by position."""
        order = self._arenas.upload(self._sequence.table.order)
        return self._arenas.keys[:, :, order], self._arenas.values[:, :, order]

    def audit(self) -> None:
        """Raise AuditError unless sequence and positions agree. Changes nothing."""
        self._sequence.audit()
        self._arenas.audit(self._sequence.table.order)

    @contextmanager
    def _encoding(self, positions: Sequence[int], *, unplaced: bool) -> Generator[Rows]:
        try:
            order, ids = self._sequence.table.order, self._sequence.tokens.ids
            rows = Rows(
                ids=tuple(ids[position] for position in positions),
                at=tuple(positions),
                slot_numbers=tuple(order[position] for position in positions),
                extent=self._sequence.table.extent,
                position_of=self._arenas.position_of,
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
        if not self.can_move and gone:
            gone = set(range(min(gone), len(self)))
        self._settle(self._sequence.drop(gone))

    def _settle(self, moves: Sequence[Move]) -> None:
        """Turn the keys that moved, and let every slot carry its token's position."""
        with self._or_empty():
            self._place()
            if moves:
                slots, born, wanted = (self._arenas.upload(numbers) for numbers in zip(*moves, strict=True))
                self._arenas.turn(slots, born=born, wanted=wanted)

    @contextmanager
    def _or_empty(self) -> Generator[None]:
        """Let tensors follow the sequence; where that fails, as memory ran out, hold nothing at all."""
        try:
            yield
        except BaseException:
            self._sequence.truncate(0)
            self._arenas.free()
            raise

    def _place(self) -> None:
        """Write down the position of every slot."""
        self._arenas.free()
        self._arenas.place(self._sequence.table.order)


def rounded_capacity(tokens: int) -> int:
    """The capacity to allocate for ``tokens``: the next multiple of the growth step."""
    return -(-max(tokens, 1) // _GROWTH) * _GROWTH
