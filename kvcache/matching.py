"""What two sequences of tokens have in common: the runs that a cache can keep. Pure.

Three passes, cheapest first: the common prefix and suffix; runs around token n-grams that occur
once on either side (the anchors of a patience diff); Myers' greedy search (1986) for the little
that is left between them. An island of few equal tokens between two changes is not kept: what
was encoded around it is gone, and encoding it again costs next to nothing.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ISLAND = 8
"""Equal tokens between two changes that are worth keeping."""

_GRAM = ISLAND
_MOST_EDITS = 96
"""Myers gives up behind so many tokens removed or added; what is left counts as changed."""

_GLANCE = 16
"""Tokens compared at once where most runs are short."""


class Match(NamedTuple):
    """``old[old : old + length]`` equals ``new[new : new + length]``."""

    old: int
    new: int
    length: int


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix of two token sequences."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    low, high = 0, limit  # equal up to low, different somewhere before high
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def common_suffix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common suffix of two token sequences."""
    return common_prefix(left[::-1], right[::-1])


def matches(old: tuple[int, ...], new: tuple[int, ...]) -> list[Match]:
    """Equal runs, ascending in both sequences, without overlaps.

    Runs at the very start or end have any length, those between two changes at least ISLAND.
    """
    front = common_prefix(old, new)
    back = common_suffix(old[front:], new[front:])
    found = [Match(0, 0, front)]
    a_end, b_end = len(old) - back, len(new) - back
    if front < a_end and front < b_end:
        found.extend(
            Match(match.old + front, match.new + front, match.length)
            for match in _islands(old[front:a_end], new[front:b_end])
        )
    found.append(Match(a_end, b_end, back))
    return [match for match in found if match.length]


def _islands(old: tuple[int, ...], new: tuple[int, ...]) -> Iterator[Match]:
    a = b = 0
    for anchor in [*_anchored(old, new), Match(len(old), len(new), 0)]:
        for match in _myers(old[a : anchor.old], new[b : anchor.new]):
            if match.length >= ISLAND:
                yield Match(match.old + a, match.new + b, match.length)
        if anchor.length >= ISLAND:
            yield anchor
        a, b = anchor.old + anchor.length, anchor.new + anchor.length


def _anchored(old: tuple[int, ...], new: tuple[int, ...]) -> list[Match]:
    """Runs around n-grams that stand once in either sequence, none of which cross."""
    theirs = _unique_grams(old)
    pairs = [(theirs[gram], at) for gram, at in _unique_grams(new).items() if gram in theirs]
    found: list[Match] = []
    for a, b in _longest_ascending(sorted(pairs, key=lambda pair: pair[1])):
        low_a, low_b = (
            (found[-1].old + found[-1].length, found[-1].new + found[-1].length) if found else (0, 0)
        )
        if a < low_a or b < low_b:
            continue
        back = common_suffix(old[low_a:a], new[low_b:b])
        length = back + common_prefix(old[a:], new[b:])
        found.append(Match(a - back, b - back, length))
    return found


def _unique_grams(tokens: tuple[int, ...]) -> dict[tuple[int, ...], int]:
    """Every n-gram that stands in ``tokens`` once, and where."""
    grams = [tokens[at : at + _GRAM] for at in range(len(tokens) - _GRAM + 1)]
    counts = Counter(grams)
    return {gram: at for at, gram in enumerate(grams) if counts[gram] == 1}


def _longest_ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs, ordered by their second, whose first ascend too (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (first, _) in enumerate(pairs):
        at = bisect_left(tops, first)
        before.append(ends[at - 1] if at else -1)
        if at == len(tops):
            tops.append(first)
            ends.append(index)
        else:
            tops[at], ends[at] = first, index
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _myers(old: tuple[int, ...], new: tuple[int, ...]) -> list[Match]:
    """Equal runs by the greedy search for the fewest edits; nothing beyond ``_MOST_EDITS``."""
    if not old or not new:
        return []
    reach = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(_MOST_EDITS, len(old) + len(new)) + 1):
        history.append(dict(reach))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1)
            )
            x = reach[diagonal + 1] if down else reach[diagonal - 1] + 1
            if x > len(old) or x - diagonal > len(new):
                reach[diagonal] = x
                continue
            x += _run_length(old, new, x=x, y=x - diagonal)
            reach[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _walk_back(history, len(old), len(new))
    return []


def _run_length(old: tuple[int, ...], new: tuple[int, ...], *, x: int, y: int) -> int:
    """Equal tokens from ``old[x]`` and ``new[y]`` on. Most runs are short: little is copied."""
    length = 0
    while True:
        at, to = x + length, y + length
        equal = common_prefix(old[at : at + _GLANCE], new[to : to + _GLANCE])
        length += equal
        if equal < _GLANCE:
            return length


def _walk_back(history: Sequence[dict[int, int]], x: int, y: int) -> list[Match]:
    """The diagonal runs of the path that ``history`` records, ascending."""
    found: list[Match] = []
    for edits in range(len(history) - 1, -1, -1):
        reach, diagonal = history[edits], x - y
        down = diagonal == -edits or (
            diagonal != edits and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1)
        )
        previous = diagonal + 1 if down else diagonal - 1
        start_x = reach[previous] if edits else 0
        start_y = start_x - previous if edits else 0
        begin = start_x if down else start_x + 1
        length = x - (begin if edits else 0)
        if length > 0:
            found.append(Match(x - length, y - length, length))
        x, y = start_x, start_y
    return found[::-1]
