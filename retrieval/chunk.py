"""From a text and its outline to its chunks. Pure.

Texts of chunks keep their line ends, so that pieces joined give what was cut.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from retrieval.records import Chunk, ChunkKind, Definition, Lines, Outline, SymbolKind

_LEADING = re.compile(r"\s*(?://|/\*|\*|#|@\w)")
_CUT = (SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CLASS)


def chunks(text: str, outline: Outline, max_chars: int) -> tuple[Chunk, ...]:
    """The chunks of ``text``, in its order; each has at most ``max_chars`` code points.

    Every line that is not blank lies in the lines of at least one chunk.
    """
    cut = _Cutting(_lines(text), max_chars)
    if not outline.definitions:
        kind = ChunkKind.LINES
        return tuple(cut.pieces(enumerate(cut.lines), kind, "", len(cut.lines)))
    wanted = [each for each in outline.definitions if each.kind in _CUT]
    return tuple(cut.span(Lines(0, len(cut.lines)), wanted))


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    whole = [part + "\n" for part in parts[:-1]]
    return [*whole, parts[-1]] if parts[-1] else whole


class _Cutting:
    """The lines of one text and how large a chunk may be."""

    def __init__(self, lines: list[str], max_chars: int) -> None:
        self.lines = lines
        self._max = max(1, max_chars)
        self._before = [0, *accumulate(map(len, lines))]
        """Characters in front of each line."""

    def _size(self, lines: Lines) -> int:
        return self._before[lines.end] - self._before[lines.start]

    def span(self, lines: Lines, definitions: Sequence[Definition]) -> Iterator[Chunk]:
        """Chunks of whole ``lines``: definitions, and what stands between them."""
        done = lines.start
        for each, inner in _outermost(definitions, lines):
            if each.lines.start < done:
                if each.lines.end > done:
                    yield from self._plain(Lines(done, each.lines.end), ChunkKind.MODULE, each.qualified)
                    done = each.lines.end
                continue
            start = self._with_comment(each.lines.start, done)
            yield from self._plain(Lines(done, start), ChunkKind.MODULE, "")
            yield from self._definition(each, Lines(start, each.lines.end), inner)
            done = each.lines.end
        yield from self._plain(Lines(done, lines.end), ChunkKind.MODULE, "")

    def _with_comment(self, start: int, floor: int) -> int:
        while start > floor and _LEADING.match(self.lines[start - 1]):
            start -= 1
        return start

    def _definition(self, each: Definition, lines: Lines, inner: Sequence[Definition]) -> Iterator[Chunk]:
        size = self._size(lines)
        if each.kind is not SymbolKind.CLASS:
            kind = ChunkKind.FUNCTION if size <= self._max else ChunkKind.LINES
            yield from self._plain(lines, kind, each.qualified)
            return
        if size <= self._max // 2 or not inner:
            yield from self._plain(lines, ChunkKind.CLASS, each.qualified)
            return
        members = _outermost(inner, lines)
        skeleton = self._skeleton(lines, [member for member, _ in members])
        yield from self.pieces(skeleton, ChunkKind.CLASS, each.qualified, lines.end)
        done = lines.start
        for member, deeper in members:
            if member.lines.start >= done:
                start = self._with_comment(member.lines.start, done)
                yield from self._definition(member, Lines(start, member.lines.end), deeper)
            done = max(done, member.lines.end)

    def _skeleton(self, lines: Lines, members: Sequence[Definition]) -> Iterator[tuple[int, str]]:
        done = lines.start
        for member in members:
            body = max(member.body_line, member.lines.start + 1)
            if body < done or body >= member.lines.end:
                continue
            yield from ((row, self.lines[row]) for row in range(done, body))
            indent = re.match(r"\s*", self.lines[body])
            yield body, (indent[0].rstrip("\n") if indent else "") + "...\n"
            done = member.lines.end
        yield from ((row, self.lines[row]) for row in range(done, lines.end))

    def _plain(self, lines: Lines, kind: ChunkKind, name: str) -> Iterator[Chunk]:
        if self._size(lines) <= self._max:
            text = "".join(self.lines[lines.start : lines.end])
            if text.strip():
                yield Chunk(kind, lines, text, name)
            return
        rows = ((row, self.lines[row]) for row in range(lines.start, lines.end))
        yield from (chunk for chunk in self.pieces(rows, kind, name, lines.end) if chunk.text.strip())

    def pieces(
        self, rows: Iterable[tuple[int, str]], kind: ChunkKind, name: str, end: int
    ) -> Iterator[Chunk]:
        """``rows`` in as few chunks as a greedy fill makes; a line that is too long is cut."""
        held: list[str] = []
        first, size = -1, 0
        for row, line in rows:
            if held and size + len(line) > self._max:
                yield Chunk(kind, Lines(first, row), "".join(held), name)
                held, first, size = [], -1, 0
            while len(line) > self._max:
                yield Chunk(kind, Lines(row, row + 1), line[: self._max], name)
                line = line[self._max :]  # noqa: PLW2901 - what is left of it
            first = row if first < 0 else first
            held.append(line)
            size += len(line)
        if held:
            yield Chunk(kind, Lines(first, end), "".join(held), name)


def _outermost(definitions: Sequence[Definition], lines: Lines) -> list[tuple[Definition, list[Definition]]]:
    """Definitions that lie in no other of these, each with those inside it."""
    found: list[tuple[Definition, list[Definition]]] = []
    for each in definitions:
        if found and each.lines.end <= found[-1][0].lines.end:
            found[-1][1].append(each)
        elif each.lines.start >= lines.start and each.lines.end <= lines.end:
            found.append((each, []))
    return found
