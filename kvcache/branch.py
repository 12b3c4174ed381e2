"""Guesses behind a sequence: a tree of tokens that one forward pass encodes, to keep one path of. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kvcache.spans import Role

ROOT = -1
"""The parent of what stands right behind the sequence."""


def paths_of(parents: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """For each node those that lead to it, the root's child first, itself last.

    Raises ValueError unless every parent is ``ROOT`` or a node in front of its child.
    """
    paths: list[tuple[int, ...]] = []
    for node, parent in enumerate(parents):
        if not ROOT <= parent < node:
            raise ValueError(f"Node {node} cannot stand behind node {parent}.")
        paths.append((node,) if parent == ROOT else (*paths[parent], node))
    return tuple(paths)


@dataclass(frozen=True)
class Branch:
    """Tokens that may become the end of a sequence, and the free slots they are encoded in.

    Token ``i`` stands behind token ``parents[i] < i``, or behind the sequence where that is
    ``ROOT``. Raises ValueError for parents that do not fit.
    """

    ids: tuple[int, ...]
    parents: tuple[int, ...]
    start: int
    """The position behind the sequence."""
    slots: tuple[int, ...]
    """One for each token, ascending: those that tokens appended plainly would get, in their order."""
    role: Role

    def __post_init__(self) -> None:
        """See the class."""
        if not len(self.ids) == len(self.parents) == len(self.slots) == len(self.paths):
            raise ValueError(f"{len(self.parents)} parents do not fit {len(self.ids)} tokens.")

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each token the tokens that lead to it, itself last."""
        return paths_of(self.parents)

    @property
    def positions(self) -> tuple[int, ...]:
        """Where each token stands if it is kept: as deep behind the sequence as it is in the tree."""
        return tuple(self.start + len(path) - 1 for path in self.paths)

    @property
    def is_chain(self) -> bool:
        """Whether every token follows the one before it."""
        return all(parent == at - 1 for at, parent in enumerate(self.parents))

    def check(self, path: Sequence[int]) -> None:
        """Raise ValueError unless ``path`` leads from the sequence into the tree, node by node."""
        if path and not (0 <= path[-1] < len(self.ids) and tuple(path) == self.paths[path[-1]]):
            raise ValueError(f"{tuple(path)} is no path through this tree.")
