"""What of a cached sequence a new sequence can use. Pure: no tensors, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How a store gets from its tokens to the wanted ones.

    ::

        wanted   [0 ........ keep) [keep ........... length)
                  kept as it is     computed, in this order
    """

    keep: int
    length: int

    @property
    def compute(self) -> range:
        """Positions of the wanted sequence that must be encoded."""
        return range(self.keep, self.length)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix of two token sequences."""
    limit = min(len(left), len(right))
    if tuple(left[:limit]) == tuple(right[:limit]):
        return limit
    return next(i for i in range(limit) if left[i] != right[i])


def plan_exact(cached: Sequence[int], wanted: Sequence[int]) -> Plan:
    """Keep the common prefix, compute the rest.

    The last wanted token is always computed: its logits are what the caller is after, and
    they are not cached. Raises ValueError when ``wanted`` is empty.
    """
    if not wanted:
        raise ValueError("A plan needs at least one wanted token.")
    return Plan(keep=min(common_prefix(cached, wanted), len(wanted) - 1), length=len(wanted))
