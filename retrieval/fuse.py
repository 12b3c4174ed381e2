"""Several rankings made into one: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

A chunk's score is the sum over the rankings of ``weight / (60 + rank)``, the rank counted from 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from retrieval.records import Found, Lines

RANK_CONSTANT = 60
"""The k of the paper: how little the first rank counts over the second."""
AT_A_CURSOR: Mapping[str, float] = MappingProxyType({"dense": 1.0, "lexical": 1.0, "symbols": 16.0})
"""Weights where a completion asks: what is imported and named there tells the most (benchmarks/LOG.md)."""
_SHARED = 0.5
"""Of the shorter of two places of a file; from here on they are one result."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk, its score, and what each ranking added to it."""

    chunk_id: int
    score: float
    parts: Mapping[str, float] = field(default_factory=dict[str, float])


def fuse(rankings: Mapping[str, Sequence[Found]], weights: Mapping[str, float] | None = None) -> list[Fused]:
    """Every chunk of any ranking, best first; equal scores in the order of the ids.

    Rankings are best first; a chunk that one names twice counts where it comes first. A ranking without
    a weight weighs 1.
    """
    parts: dict[int, dict[str, float]] = {}
    for name, ranking in rankings.items():
        weight = (weights or {}).get(name, 1.0)
        firsts = dict.fromkeys(found.chunk_id for found in ranking)
        for rank, chunk_id in enumerate(firsts, 1):
            parts.setdefault(chunk_id, {})[name] = weight / (RANK_CONSTANT + rank)
    fused = [Fused(chunk_id, sum(added.values()), added) for chunk_id, added in parts.items()]
    return sorted(fused, key=lambda one: (-one.score, one.chunk_id))


def without_overlaps(
    ranking: Sequence[Fused], places: Mapping[int, tuple[str, Lines]], *, k: int | None = None
) -> list[Fused]:
    """The ``k`` best of ``ranking`` (None: all), less those that mostly say what a better one says.

    ``places`` gives the path and lines of each chunk; a chunk without a place is left out.
    """
    kept: list[Fused] = []
    taken: dict[str, list[Lines]] = {}
    for one in ranking:
        if k is not None and len(kept) >= k:
            break
        place = places.get(one.chunk_id)
        if place is None:
            continue
        path, lines = place
        if not any(_same(lines, other) for other in taken.setdefault(path, [])):
            taken[path].append(lines)
            kept.append(one)
    return kept


def _same(a: Lines, b: Lines) -> bool:
    shared = min(a.end, b.end) - max(a.start, b.start)
    shorter = min(a.end - a.start, b.end - b.start)
    return a == b or (shared > 0 and shared >= _SHARED * shorter)
