"""Which kept tokens to encode again behind an edit, best expected gain per token first. Pure.

Kept tokens behind a change still carry what they saw of the old text. A few of them decide
most of the answer: the first ones behind each change (the seam), those around the cursor, and
the lines that use a name the edit changed. The request takes as many as its budget allows; the
rest is left to the refresh. ``benchmarks/LOG.md`` has the gains that the order follows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kvcache.plan import Plan
from kvcache.spans import Role

SEAM = 8
"""Tokens behind a change that are worth most."""

_LONG_SEAM = 32
_NEAR_PREFIX = 96
_NEAR_SUFFIX = 48


@dataclass(frozen=True)
class Budget:
    """Tokens a request may encode again: ``tokens`` in all."""

    tokens: int


def repaired(plan: Plan, budget: Budget, uses: Sequence[range] = ()) -> Plan:
    """The plan with repairs: the best candidates, until ``budget`` is used up.

    ``uses`` are ranges of wanted positions where a changed name is used. A plan that only
    appends needs no repair and is returned as it is.
    """
    taken: dict[int, None] = {}
    for position in _candidates(plan, uses):
        if len(taken) >= budget.tokens:
            break
        taken[position] = None
    return plan.with_repairs([range(position, position + 1) for position in taken])


def _candidates(plan: Plan, uses: Sequence[range]) -> Iterator[int]:
    """Kept positions behind the first change, by expected gain; some come twice."""
    runs = list(plan.runs_behind(plan.unchanged))
    if not runs:
        return
    yield from (position for part in runs for position in part[:SEAM])
    for near in (*uses, *_near(plan)):
        yield from (position for position in near if _within(position, runs))
    yield from (position for part in runs for position in part[SEAM:_LONG_SEAM])


def _near(plan: Plan) -> Iterator[range]:
    """Around the cursor: the end of the prefix, nearest first, and the start of the suffix."""
    prefix, suffix = plan.wanted.span(Role.PREFIX), plan.wanted.span(Role.SUFFIX)
    if prefix is not None:
        yield range(max(prefix.start, prefix.stop - _NEAR_PREFIX), prefix.stop)[::-1]
    if suffix is not None:
        yield range(suffix.start, min(suffix.stop, suffix.start + _NEAR_SUFFIX))


def _within(position: int, runs: Sequence[range]) -> bool:
    return any(position in part for part in runs)
