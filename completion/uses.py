"""Where the names that an edit changed are used: the lines worth encoding again. Pure.

Whoever renames a definition, changes its signature or a constant touches few tokens; the lines
that use the name still carry what they knew of it before. Names are found by their spelling,
so a use in another scope is found too, which costs some tokens and does no harm.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from kvcache.plan import Plan
from kvcache.spans import Role

_NAME = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]{2,}")
_LARGEST_CHANGE = 32
"""Tokens of a change that is read for names; a larger one is new code, not a changed name."""
_MOST_LINES = 8
"""A name that more lines use is no particular one."""
_SHOWN = (Role.CONTEXT, Role.PREFIX, Role.SUFFIX)


def use_sites(plan: Plan, bytes_of: Callable[[int], bytes]) -> tuple[range, ...]:
    """Ranges of wanted positions: the lines behind a small change that use a name it touched.

    The last line comes first, as it is nearest to the cursor. ``bytes_of`` spells a token.
    """
    changes = [gap for gap in plan.gaps if len(gap) <= _LARGEST_CHANGE and _is_shown(plan, gap.start)]
    if not changes:
        return ()
    pieces = [bytes_of(token) for token in plan.wanted.ids]
    edges = [0, *accumulate(map(len, pieces))]
    text = b"".join(pieces)
    names = {name for gap in changes for name in _names(text, edges[gap.start], edges[gap.stop])}
    first = edges[changes[0].stop]
    lines = {line for name in names for line in _lines_with(text, name, first)}
    return tuple(_tokens(edges, *line) for line in sorted(lines, reverse=True))


def _is_shown(plan: Plan, position: int) -> bool:
    return any(span.role in _SHOWN for span in plan.wanted.spans if span.start <= position < span.stop)


def _names(text: bytes, start: int, stop: int) -> Iterator[bytes]:
    """The names that ``text[start:stop]`` touches, whole."""
    line = text.rfind(b"\n", 0, start) + 1
    end = text.find(b"\n", stop)
    for found in _NAME.finditer(text, line, len(text) if end < 0 else end):
        if found.start() < stop and found.end() > start:
            yield found[0]


def _lines_with(text: bytes, name: bytes, first: int) -> list[tuple[int, int]]:
    """The lines from ``first`` on with the word ``name``; none if there are too many."""
    found: dict[tuple[int, int], None] = {}
    for use in re.finditer(rb"(?<![\w\x80-\xff])" + re.escape(name) + rb"(?![\w\x80-\xff])", text[first:]):
        start = text.rfind(b"\n", 0, first + use.start()) + 1
        end = text.find(b"\n", first + use.end())
        found[start, len(text) if end < 0 else end] = None
        if len(found) > _MOST_LINES:
            return []
    return list(found)


def _tokens(edges: list[int], start: int, stop: int) -> range:
    """The positions of the tokens that spell ``[start, stop)``."""
    return range(bisect_right(edges, start) - 1, bisect_right(edges, max(start, stop - 1)))
