"""The rows of one forward pass: which tokens they are, where they stand and what they see."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch

from kvcache.branch import Branch
from kvcache.transfer import upload

FREE = torch.iinfo(torch.int64).max
"""Position of a slot that holds nothing: behind every query, so no query sees it."""


@dataclass(eq=False)
class Rows:
    """Tokens being encoded, as the store knows them: plain numbers.

    Tensors are made of them when they are asked for, all from one copy to the device.
    """

    ids: tuple[int, ...]
    at: tuple[int, ...]
    """Positions, ascending but in a tree."""
    slot_numbers: tuple[int, ...]
    extent: int
    """How many slots are read, from the first on."""
    position_of: torch.Tensor
    """The store's own: the position of every slot, int64 ``[capacity]``."""
    unplaced: bool
    """Whether ``position_of`` does not know these rows yet."""

    @cached_property
    def packed(self) -> torch.Tensor:
        """Ids, positions and slots: int64 ``[3, rows]``."""
        return upload((self.ids, self.at, self.slot_numbers), self.position_of.device)

    @property
    def tokens(self) -> torch.Tensor:
        """The token ids: int64 ``[rows]``."""
        return self.packed[0]

    @property
    def positions(self) -> torch.Tensor:
        """Int64 ``[rows]``, ascending but in a tree."""
        return self.packed[1]

    @cached_property
    def slots(self) -> slice | torch.Tensor:
        """The slots to write to: neighbours as a slice, which is cheaper; else int64 ``[rows]``."""
        return _run(self.slot_numbers) or self.packed[2]

    @cached_property
    def mask(self) -> torch.Tensor:
        """Bool ``[rows, extent]``, True where the row may look. Places the rows first."""
        self.place()
        return self.position_of[None, : self.extent] <= self.positions[:, None]

    def first(self) -> int:
        """The position of the first row, for code that runs on the host."""
        return self.at[0]

    def place(self) -> None:
        """Write the rows' positions into ``position_of``, unless that was done."""
        if self.unplaced:
            self.position_of[self.slots] = self.positions
            self.unplaced = False

    def placed(self) -> None:
        """The pass has written the positions itself, from where it keeps its inputs."""
        self.unplaced = False

    def withdraw(self) -> None:
        """Take the rows' positions out of ``position_of``, if they were written there."""
        if not self.unplaced:
            self.position_of[self.slots] = FREE
            self.unplaced = True


@dataclass(eq=False)
class BranchRows(Rows):
    """Rows of a tree behind the sequence: each sees the sequence, what leads to it, and itself.

    Their positions are not ascending and tell nothing of who sees whom, so nobody may learn them
    from ``position_of``: there their slots stay free.
    """

    paths: tuple[tuple[int, ...], ...] = ()
    """For each row the rows that lead to it, itself last."""

    @cached_property
    def mask(self) -> torch.Tensor:
        """As that of :class:`Rows`."""
        seen = self.position_of[None, : self.extent] <= self.positions[:, None]
        seen[:, self.slots] = self._numbers[3:] > 0
        return seen

    @cached_property
    def packed(self) -> torch.Tensor:
        """As that of :class:`Rows`."""
        return self._numbers[:3]

    def place(self) -> None:
        """Nothing: see the class."""

    def placed(self) -> None:
        """Raises RuntimeError: see the class."""
        raise RuntimeError("The positions of a tree must not be written down.")

    def withdraw(self) -> None:
        """Nothing: see the class."""

    @cached_property
    def _numbers(self) -> torch.Tensor:
        """``packed``, and what each row sees of the others: int64 ``[3 + rows, rows]``, one copy."""
        members = [set(path) for path in self.paths]
        seen = [[row in path for row in range(len(members))] for path in members]
        return upload((self.ids, self.at, self.slot_numbers, *seen), self.position_of.device)


@dataclass(eq=False)
class StaticRows:
    """Rows whose numbers lie in a buffer that is filled anew for each pass.

    For passes that are recorded once and replayed: nothing here depends on what the buffer
    holds, so nothing is read on the host. Rows of equal slots must be equal in all.
    """

    packed: torch.Tensor
    """Ids, positions and slots: int64 ``[3, rows]``."""
    extent: int
    position_of: torch.Tensor
    dtype: torch.dtype
    """Of keys and queries."""

    @property
    def tokens(self) -> torch.Tensor:
        """As those of :class:`Rows`."""
        return self.packed[0]

    @property
    def positions(self) -> torch.Tensor:
        """As those of :class:`Rows`."""
        return self.packed[1]

    @property
    def slots(self) -> torch.Tensor:
        """As those of :class:`Rows`."""
        return self.packed[2]

    @cached_property
    def mask(self) -> torch.Tensor:
        """``[rows, extent]`` of ``dtype``: 0 where the row may look, else minus infinity.

        Attention would make the same of a bool mask, in each layer anew.
        """
        hidden = self.position_of[None, : self.extent] > self.positions[:, None]
        return torch.zeros_like(hidden, dtype=self.dtype).masked_fill_(hidden, -torch.inf)

    def place(self) -> None:
        """Write the rows' positions into ``position_of``."""
        self.position_of.index_copy_(0, self.slots, self.positions)

    def first(self) -> int:
        """Raises RuntimeError: a number of the host would be frozen into the recording."""
        raise RuntimeError("This model asks for positions on the host, so its passes cannot be recorded.")


RowTensors = Rows | StaticRows
"""What the layers of a model are given."""


def branch_rows(branch: Branch, extent: int, position_of: torch.Tensor) -> Rows:
    """The rows of guesses behind a sequence of ``extent`` slots: of a chain those of any tokens."""
    extent = max(extent, max(branch.slots, default=-1) + 1)
    numbers = branch.ids, branch.positions, branch.slots, extent, position_of
    if branch.is_chain:
        return Rows(*numbers, unplaced=True)
    return BranchRows(*numbers, unplaced=False, paths=branch.paths)


def _run(slots: Sequence[int]) -> slice | None:
    """``slots`` as a slice, where they are neighbours; None where they are not."""
    if all(right == left + 1 for left, right in pairwise(slots)):
        return slice(slots[0], slots[-1] + 1) if slots else slice(0, 0)
    return None
