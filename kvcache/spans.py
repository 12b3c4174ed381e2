"""Token sequences with the role of each token, and what two of them have in common. Pure.

A cached token may serve again only as what it was encoded as: a line that stood behind the
cursor (suffix) and stands in front of it now (prefix) is the same text and another token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kvcache.matching import Match, common_prefix, matches


class Role(StrEnum):
    """What a token is there for."""

    MARKER = "marker"
    CONTEXT = "context"
    """A block of the repository in front of the file."""
    PREFIX = "prefix"
    SUFFIX = "suffix"
    TAIL = "tail"
    """What stands in front of the cursor behind the middle marker, and what was decoded."""


class Span(NamedTuple):
    """A run of tokens ``[start, stop)`` of one role."""

    role: Role
    start: int
    stop: int


@dataclass(frozen=True)
class TaggedTokens:
    """Token ids and the spans that tile them, in order, none of them empty."""

    ids: tuple[int, ...] = ()
    spans: tuple[Span, ...] = ()

    def __len__(self) -> int:
        """Tokens there are."""
        return len(self.ids)

    @property
    def front(self) -> int:
        """Tokens in front of the tail that ends the sequence; all of them if none does."""
        last = self.spans[-1] if self.spans else None
        return last.start if last and last.role is Role.TAIL else len(self.ids)

    def span(self, role: Role) -> Span | None:
        """The first span of ``role``."""
        return next((span for span in self.spans if span.role is role), None)

    def part(self, span: Span) -> tuple[int, ...]:
        """The ids of a span."""
        return self.ids[span.start : span.stop]


def tagged(runs: Sequence[tuple[Role, Sequence[int]]]) -> TaggedTokens:
    """Join runs of ids, leaving out the empty ones; neighbours of one role become one span."""
    ids: list[int] = []
    spans: list[Span] = []
    for role, run in runs:
        if not run:
            continue
        start = len(ids)
        ids.extend(run)
        if spans and spans[-1].role is role:
            start = spans.pop().start
        spans.append(Span(role, start, len(ids)))
    return TaggedTokens(tuple(ids), tuple(spans))


def common_front(held: TaggedTokens, wanted: TaggedTokens) -> int:
    """Length of the longest common prefix of equal tokens in equal roles."""
    return min(common_prefix(held.ids, wanted.ids), _equal_roles(held.spans, wanted.spans))


def common_runs(held: TaggedTokens, wanted: TaggedTokens, roles: Sequence[Role]) -> Iterator[Match]:
    """Runs of equal tokens in equal roles, in the order of ``wanted``.

    Each of ``roles`` is compared with itself alone, so the runs ascend in both sequences when
    the roles stand in the same order in both; runs that would cross are left out.
    """
    reached = 0
    for span in wanted.spans:
        if span.role not in roles:
            continue
        other = held.span(span.role)
        if other is None or other.start < reached:
            continue
        for match in matches(held.part(other), wanted.part(span)):
            yield Match(match.old + other.start, match.new + span.start, match.length)
        reached = other.stop


def _equal_roles(held: Sequence[Span], wanted: Sequence[Span]) -> int:
    """Up to where both tilings give the same role to every position."""
    reached = 0
    for left, right in zip(held, wanted, strict=False):
        if left.role is not right.role:
            break
        reached = min(left.stop, right.stop)
        if left.stop != right.stop:
            break
    return reached
