"""How a store gets from the tokens it holds to those that are wanted. Pure.

::

    held     [0 ..... a) ×××××××× [b ............ c) ×××
    wanted   [0 ..... a) [a . d) [d ............. e) [e . length)
              kept        compute  kept, shifted by d-b  compute

Three rules for what is kept. *Exact*: the common prefix, as far as it is exact itself. *Reuse*:
also runs of equal tokens in equal roles behind the first change; their keys are rotated to the
new position, their values still know the old text (an approximation, PIE, arXiv 2407.03157).
Behind a change, markers and the tail are computed whatever they are equal to. *Cold*: nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kvcache.matching import Match
from kvcache.report import ReuseReport
from kvcache.spans import Role, TaggedTokens, common_front, common_runs

_MOVABLE = (Role.CONTEXT, Role.PREFIX, Role.SUFFIX)


@dataclass(frozen=True)
class Plan:
    """What of ``held`` tokens is kept for the wanted ones, and what is computed.

    ``kept`` ascends in both sequences. ``repairs`` are ascending, disjoint ranges of wanted
    positions that are kept and computed again nevertheless.
    """

    wanted: TaggedTokens
    held: int
    kept: tuple[Match, ...] = ()
    repairs: tuple[range, ...] = ()

    @property
    def unchanged(self) -> int:
        """Length of the common front that is kept where it is."""
        first = self.kept[0] if self.kept else None
        return first.length if first and first.old == first.new == 0 else 0

    @property
    def gaps(self) -> tuple[range, ...]:
        """Ranges of wanted positions for which nothing is kept."""
        edges = [
            0,
            *(edge for run in self.kept for edge in (run.new, run.new + run.length)),
            len(self.wanted),
        ]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return tuple(range(start, stop) for start, stop in pairs if start < stop)

    @property
    def compute(self) -> tuple[int, ...]:
        """Positions of the wanted sequence that must be encoded, ascending."""
        return tuple(sorted(position for part in (*self.gaps, *self.repairs) for position in part))

    @property
    def cost(self) -> int:
        """How many tokens must be encoded."""
        return sum(map(len, self.gaps)) + self.repaired

    @property
    def repaired(self) -> int:
        """Tokens that are kept and computed again."""
        return sum(map(len, self.repairs))

    def runs_behind(self, position: int) -> Iterator[range]:
        """The parts of kept runs at wanted positions from ``position`` on."""
        for run in self.kept:
            part = range(max(run.new, position), run.new + run.length)
            if part:
                yield part

    def with_repairs(self, ranges: Sequence[range]) -> "Plan":
        """The same plan with kept ``ranges`` to be computed again; they may overlap and touch."""
        return replace(self, repairs=merged(ranges))

    def report(self, exact: int) -> ReuseReport:
        """The counts of a request; ``exact``: how much of the sequence's front is exact now."""
        moved = sum(run.length for run in self.kept if run.old != run.new)
        again = {position for part in self.repairs for position in part}
        again_moved = sum(
            position in again for run in self.kept if run.old != run.new for position in _positions(run)
        )
        stale = sum(position not in again for part in self.runs_behind(exact) for position in part)
        kept = sum(run.length for run in self.kept) - moved
        return ReuseReport(
            kept=kept - (len(again) - again_moved),
            shifted=moved - again_moved,
            computed=self.cost,
            repaired=len(again),
            stale=stale,
        )


def plan_cold(held: TaggedTokens, wanted: TaggedTokens) -> Plan:
    """Keep nothing. Raises ValueError when nothing is wanted."""
    return Plan(_some(wanted), len(held))


def plan_exact(held: TaggedTokens, wanted: TaggedTokens, *, exact: int) -> Plan:
    """Keep the common prefix as far as it is exact, compute the rest.

    ``exact`` counts the tokens at the front of ``held`` that equal a cold computation. The
    last wanted token is always computed: its logits are what the caller is after, and they
    are not cached. Raises ValueError when nothing is wanted.
    """
    keep = min(common_front(held, _some(wanted)), exact, len(wanted) - 1)
    return Plan(wanted, len(held), (Match(0, 0, keep),) if keep else ())


def plan_reuse(held: TaggedTokens, wanted: TaggedTokens) -> Plan:
    """Keep all that is equal in text and role, without repairs (see :mod:`kvcache.repair`).

    When nothing changed in front of the tail, the tail's common part is kept as well: then
    the plan is that of a prefix. Raises ValueError when nothing is wanted.
    """
    front = min(common_front(held, _some(wanted)), len(wanted) - 1)
    kept = [Match(0, 0, front)] if front else []
    if front < wanted.front:
        kept += [part for run in common_runs(held, wanted, _MOVABLE) for part in _behind(run, front, wanted)]
    return Plan(wanted, len(held), _fused(kept))


def merged(ranges: Sequence[range]) -> tuple[range, ...]:
    """Ascending, disjoint ranges that cover the same positions."""
    found: list[range] = []
    for part in sorted((part for part in ranges if part), key=lambda part: part.start):
        if found and part.start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, part.stop))
        else:
            found.append(part)
    return tuple(found)


def _behind(run: Match, front: int, wanted: TaggedTokens) -> Iterator[Match]:
    """The part of ``run`` behind the common front, on either side, and in front of the last token."""
    cut = max(0, front - run.new, front - run.old)
    length = min(run.length, len(wanted) - 1 - run.new) - cut
    if length > 0:
        yield Match(run.old + cut, run.new + cut, length)


def _fused(runs: Sequence[Match]) -> tuple[Match, ...]:
    """Neighbouring runs with one shift become one."""
    if not runs:
        return ()
    starts = [runs[0], *(right for left, right in pairwise(runs) if not _touch(left, right))]
    ends = [*(left for left, right in pairwise(runs) if not _touch(left, right)), runs[-1]]
    return tuple(
        Match(start.old, start.new, end.new + end.length - start.new)
        for start, end in zip(starts, ends, strict=True)
    )


def _touch(left: Match, right: Match) -> bool:
    return left.old + left.length == right.old and left.new + left.length == right.new


def _positions(run: Match) -> range:
    return range(run.new, run.new + run.length)


def _some(wanted: TaggedTokens) -> TaggedTokens:
    if not len(wanted):
        raise ValueError("A plan needs at least one wanted token.")
    return wanted
