"""What of a long piece is worth showing: the head of a definition, or the lines most like the cursor's."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from completion.context.pieces import Excerpt
from retrieval.words import terms

_EMPTY = re.compile(r"\s*(?:\.\.\.|[*#/-]*)\s*$")
_DOC_STARTS = re.compile(r"\s*(?:[rRuU]?(\"\"\"|''')|/\*)")
_DEFINITION_LINES = 6
"""More crowd out other pieces (benchmarks/LOG.md)."""
_WINDOW = 10
"""Lines of a fragment, as in CrossCodeEval (arXiv 2310.11248)."""
_STRIDE = 5
_LEAST = 3
_BEHIND = 3
"""Lines that a fragment is shown further down than it was found: what follows there may follow here."""
_SATURATION, _LENGTH = 1.2, 0.5
"""BM25's k1 and b; lengths differ little, so they count less than usual."""


def head_of(excerpt: Excerpt) -> Excerpt:
    """A definition without blank lines, left out bodies and all but the first line of its documentation."""
    kept: list[str] = []
    closing = ""
    for line in excerpt.text.split("\n"):
        if closing:
            closing = "" if closing in line else closing
            continue
        if _EMPTY.match(line):
            continue
        if doc := _DOC_STARTS.match(line):
            mark = doc[1] or "*/"
            closing = "" if mark in line[doc.end() :] else mark
            if not line[doc.end() :].strip("* "):
                continue
        kept.append(line)
    return excerpt._replace(text="\n".join(kept[:_DEFINITION_LINES]))


def fragments(excerpts: Sequence[Excerpt], query: str, most: int) -> list[Excerpt]:
    """The ten lines of ``excerpts`` most like ``query``, ``most`` times at most, none overlapping.

    By BM25 over the terms of the fragments at hand, best first; what has no term of the query is left out.
    """
    wanted = frozenset(terms(query))
    windows = [window for excerpt in excerpts for window in _windows(excerpt)]
    score = _scorer(windows, wanted)
    ranked = sorted(windows, key=lambda window: -score(window.terms))
    chosen: list[Excerpt] = []
    for window in ranked:
        if len(chosen) == most or not wanted & window.terms.keys():
            break
        if not any(overlap(window.shown, other) for other in chosen):
            chosen.append(window.shown)
    return chosen


def overlap(one: Excerpt, other: Excerpt) -> bool:
    """Whether two excerpts share lines of a file."""
    return one.path == other.path and one.start < other.end and other.start < one.end


class _Window(NamedTuple):
    shown: Excerpt
    terms: Counter[str]
    """Of the lines it was found by."""


def _windows(excerpt: Excerpt) -> Iterator[_Window]:
    lines = excerpt.text.split("\n")
    for start in range(0, max(1, len(lines) - _STRIDE), _STRIDE):
        found = lines[start : start + _WINDOW]
        if start == 0 or len(found) >= _LEAST:
            yield _Window(_cut(excerpt, lines, start + _BEHIND), Counter(terms("\n".join(found))))


def _cut(excerpt: Excerpt, lines: Sequence[str], start: int) -> Excerpt:
    """A window of ``lines``, the text of the excerpt, from ``start`` on or from where a whole one fits."""
    start = min(start, max(0, len(lines) - _WINDOW))
    first = min(excerpt.start + start, max(excerpt.start, excerpt.end - 1))
    end = max(first + 1, min(excerpt.end, first + _WINDOW))
    return excerpt._replace(start=first, end=end, text="\n".join(lines[start : start + _WINDOW]))


def _scorer(windows: Sequence[_Window], wanted: frozenset[str]) -> Callable[[Counter[str]], float]:
    """BM25 (Robertson and Zaragoza 2009) with these windows for a collection."""
    among = Counter(term for window in windows for term in window.terms)
    usual = sum(window.terms.total() for window in windows) / max(1, len(windows)) or 1.0
    rarity = {
        term: math.log(1 + (len(windows) - among[term] + 0.5) / (among[term] + 0.5))
        for term in sorted(wanted & among.keys())
    }

    def score(found: Counter[str]) -> float:
        length = 1 - _LENGTH + _LENGTH * found.total() / usual
        return sum(
            weight * found[term] * (_SATURATION + 1) / (found[term] + _SATURATION * length)
            for term, weight in rarity.items()
            if term in found
        )

    return score
