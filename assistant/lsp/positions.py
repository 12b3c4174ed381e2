"""LSP positions and code points.

Inside, text is a ``str`` and a place in it counts code points. Outside, a place is a line and a character
that counts units of the negotiated encoding (LSP 3.18, "Position"). A line ends at ``\\n``, ``\\r\\n`` or
``\\r``. A character behind the end of its line means the end of that line, without its line end; a line
behind the last one means the end of the text; a character inside a code point means its beginning.
"""

import itertools
import re
from enum import StrEnum
from typing import NamedTuple, NewType

Units = NewType("Units", int)
"""Bytes, UTF-16 code units or code points, as negotiated."""
CodePoints = NewType("CodePoints", int)
"""An index into a ``str``."""

_STRETCH = 4096
_LINE_END = re.compile(r"\r\n|\r|\n")


class PositionEncoding(StrEnum):
    """What a position's character counts (LSP 3.17 ``PositionEncodingKind``)."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


class Position(NamedTuple):
    """A place as LSP names it, both numbers from zero."""

    line: int
    character: Units


def offset_of(text: str, position: Position, encoding: PositionEncoding) -> CodePoints:
    """The code point at ``position``, which is clamped to the text."""
    start, end = _line_bounds(text, position.line)
    if encoding is PositionEncoding.UTF32:
        return CodePoints(min(start + position.character, end))
    # A unit is never wider than a code point, so the line's first `character` code points are enough.
    line = text[start : min(end, start + position.character)]
    if line.isascii():
        return CodePoints(start + len(line))
    return CodePoints(start + _code_points(line, position.character, encoding))


def position_of(text: str, offset: int, encoding: PositionEncoding) -> Position:
    """The position of the code point at ``offset``; between ``\\r`` and ``\\n`` means in front of both."""
    if text[max(offset - 1, 0) : offset + 1] == "\r\n":
        offset -= 1
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    return Position(_line_ends(text, 0, offset), width(text[start:offset], encoding))


def width(text: str, encoding: PositionEncoding) -> Units:
    """How many units ``text`` takes. A lone surrogate takes one UTF-16 unit, or three bytes."""
    if encoding is PositionEncoding.UTF32 or text.isascii():
        return Units(len(text))
    if encoding is PositionEncoding.UTF16:
        return Units(len(text.encode("utf-16-le", "surrogatepass")) // 2)
    return Units(len(text.encode("utf-8", "surrogatepass")))


def _code_points(line: str, units: Units, encoding: PositionEncoding) -> int:
    """The most code points of ``line`` that fit into ``units``. Halves what is left: linear work."""
    low, high, left = 0, len(line), int(units)
    while low < high:
        middle = (low + high + 1) // 2
        taken = width(line[low:middle], encoding)
        if taken <= left:
            low, left = middle, left - taken
        else:
            high = middle - 1
    return low


def _line_bounds(text: str, line: int) -> tuple[int, int]:
    """Where ``line`` starts, and where it ends without its line end."""
    start = _line_start(text, line)
    ends = [end for end in (text.find("\n", start), text.find("\r", start)) if end >= 0]
    return start, min(ends, default=len(text))


def _line_start(text: str, line: int) -> int:
    """Counts whole stretches first, because a search for every line end is slow in a long text."""
    start = 0
    while line > 0 and start < len(text):
        end = start + _STRETCH
        if text[end - 1 : end + 1] == "\r\n":
            end += 1
        count = _line_ends(text, start, end)
        if count >= line:
            found = itertools.islice(_LINE_END.finditer(text, start, end), line - 1, None)
            return next(found).end()
        line -= count
        start = end
    return min(start, len(text))


def _line_ends(text: str, start: int, end: int) -> int:
    feeds = text.count("\n", start, end)
    if text.find("\r", start, end) < 0:  # Much quicker than to count none.
        return feeds
    return feeds + text.count("\r", start, end) - text.count("\r\n", start, end)
