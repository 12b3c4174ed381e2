"""When a completion is complete, judged by its text alone.

A rule set is built once per request from what stands around the cursor and asked after every
token. It waits while the text could still turn out either way: a line's indentation is known
at its first visible character, its content at its end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from completion.records import CompletionRequest, FinishReason
from completion.shape import (
    closes_block,
    first_line,
    goes_on,
    in_docstring,
    indentation,
    last_content,
    last_line,
    may_close_block,
    next_content,
    opens_block,
)

_CLOSING = frozenset(")]}>\"'`;, \t")
_CLOSING_TAG = re.compile(r"</[\w.:-]*>")
_EQUAL_LINES = 3
_LONGEST_CYCLE_LINES = 3
_LONGEST_CYCLE_CHARS = 40
_CYCLE_REPEATS = 8
_CYCLE_CHARS = 64
_RUN = 100
_WORD_RUN = 24
"""Of the same letter or digit."""
_CONTEXT_CHARS = 20_000


@dataclass(frozen=True)
class Stop:
    """The answer of a rule: show ``text[:keep]``."""

    keep: int
    reason: FinishReason


class _Line(NamedTuple):
    start: int
    end: int
    """Without the line end."""
    text: str
    """For the first line: with what stands in front of the cursor."""
    whole: bool
    """Nothing more will be added to it."""

    @property
    def blank(self) -> bool:
        return not self.text.strip()


def is_inside_line(rest: str) -> bool:
    """Whether ``rest``, the cursor's line behind it, is more than closing brackets, tags and quotes."""
    return not _CLOSING.issuperset(_CLOSING_TAG.sub("", rest))


class StopRule:
    """Decides where a completion ends. Keeps nothing between two checks."""

    def __init__(
        self,
        *,
        before: str,
        after: str,
        language: str = "plaintext",
        single_line: bool | None = None,
        strings: tuple[str, ...] = (),
    ) -> None:
        """``before`` and ``after`` are the document around the cursor.

        ``single_line`` None: one line if there is code behind the cursor on its line, else a block.
        The text ends before any of ``strings``, too.
        """
        self._before = before[-_CONTEXT_CHARS:]
        self._language = language
        self._head = last_line(self._before)
        self._rest = first_line(after).strip()
        self._next = next_content(after[:_CONTEXT_CHARS])
        self._strings = strings
        self._single = is_inside_line(self._rest) if single_line is None else single_line

    @property
    def single_line(self) -> bool:
        """Whether the completion ends with its first line."""
        return self._single

    def check(self, text: str, *, final: bool = False) -> Stop | None:
        """Where to end ``text``, the completion so far; None: go on. Changes nothing.

        ``final``: no more will come, so the last line is judged as it is.
        """
        lines = self._lines(text, final=final)
        stops = [self._string(text), self._line_end(text), _repetition(text), _repeated_lines(lines)]
        if not self._single:
            stops += [self._suffix(lines), self._block(text, lines)]
        return min((stop for stop in stops if stop), key=lambda stop: stop.keep, default=None)

    def _lines(self, text: str, *, final: bool) -> list[_Line]:
        lines: list[_Line] = []
        start = 0
        for index, content in enumerate(text.split("\n")):
            end = start + len(content)
            shown = self._head + content if index == 0 else content
            lines.append(_Line(start, end, shown, final or end < len(text)))
            start = end + 1
        return lines

    def _line_end(self, text: str) -> Stop | None:
        end = text.find("\n")
        return Stop(end, FinishReason.LINE) if self._single and end >= 0 else None

    def _string(self, text: str) -> Stop | None:
        places = [at for string in self._strings if (at := text.find(string)) >= 0]
        return Stop(min(places), FinishReason.STRING) if places else None

    def _suffix(self, lines: list[_Line]) -> Stop | None:
        """Stop before a line that is the next line of the document."""
        if not self._next or self._rest:
            return None
        kept = 0
        for index, line in enumerate(lines):
            its_own = index > 0 or not self._head.strip()
            if its_own and line.whole and line.text.rstrip() == self._next.rstrip():
                return Stop(kept, FinishReason.SUFFIX)
            kept = kept if line.blank else line.end
        return None

    def _block(self, text: str, lines: list[_Line]) -> Stop | None:
        """Stop where the indentation says that the block the cursor is in has ended."""
        block = self._begin(lines)
        if block is None:
            return None
        if block.complete:
            return Stop(lines[0].end, FinishReason.LINE)
        return self._walk(text, lines[block.first :], block)

    def _begin(self, lines: list[_Line]) -> "_Block | None":
        """What the first lines tell about the block; None: not enough yet."""
        if not self._head.strip():
            return self._begin_on_blank_line(lines)
        own, first = indentation(self._head), lines[0]
        if len(lines) == 1:
            return None
        if first.text == self._head and not goes_on(self._head, self._language):
            return _Block(first=1, limit=own - 1, closer=self._enclosing(own), paragraph=True)
        longer = goes_on(first.text, self._language)
        complete = longer is False and not in_docstring(first.text, self._language)
        return _Block(first=1, limit=own, closer=own, kept=first.end, complete=complete, line=longer is None)

    def _begin_on_blank_line(self, lines: list[_Line]) -> "_Block | None":
        index = next((i for i, line in enumerate(lines) if not line.blank), None)
        if index is None:
            return None
        line = lines[index]
        own, opener = indentation(line.text), last_content(self._before)
        outer = indentation(opener)
        if opens_block(opener, self._language) and (own > outer or closes_block(line.text, self._language)):
            return _Block(first=index, limit=outer, closer=outer)
        return _Block(
            first=index + 1, limit=own - 1, closer=self._enclosing(own), kept=line.end, paragraph=True
        )

    def _enclosing(self, own: int) -> int | None:
        """The indentation of the line that opened the block around a line indented by ``own``."""
        for line in reversed(self._before.split("\n")):
            if line.strip() and indentation(line) < own:
                return indentation(line)
        return None

    def _walk(self, text: str, lines: list[_Line], block: "_Block") -> Stop | None:
        kept, blanks = block.kept, 0
        for line in lines:
            if line.blank:
                blanks += line.whole
                if blanks >= (2 if kept else 3):
                    return block.stop(kept)
                continue
            if not self._belongs(text, line, block, new_paragraph=kept > 0 and blanks > 0):
                if indentation(line.text) != block.closer or not may_close_block(line.text, self._language):
                    return block.stop(kept)
                if not line.whole:
                    return None
                if not self._continues(line):
                    return self._close(text, line, block, kept=kept)
            kept, blanks = line.end, 0
        return None

    def _belongs(self, text: str, line: _Line, block: "_Block", *, new_paragraph: bool) -> bool:
        if in_docstring(self._head + text[: line.start], self._language):
            return True
        depth = indentation(line.text) - block.limit
        return depth > 1 or (depth == 1 and not (block.paragraph and new_paragraph))

    def _continues(self, line: _Line) -> bool:
        """Whether it closes one block and opens the next, like ``} else {``."""
        both = closes_block(line.text, self._language) and opens_block(line.text, self._language)
        return both and not self._is_closed(line.text)

    def _close(self, text: str, line: _Line, block: "_Block", *, kept: int) -> Stop:
        """Stop behind a line that closes the block, or before it if it is not needed."""
        if not closes_block(line.text, self._language):
            return block.stop(kept)
        if not self._is_closed(line.text):
            return Stop(line.end, FinishReason.BLOCK)
        if self._rest[:1] == line.text.lstrip()[:1] and line.start > 0:
            # the bracket behind the cursor moves to the line that its twin would have got
            kept = line.end - len(text[line.start : line.end].lstrip())
        return Stop(kept, FinishReason.BLOCK)

    def _is_closed(self, closer: str) -> bool:
        """Whether the document behind the cursor already closes the block, or goes on with it."""
        if self._rest[:1] == closer.lstrip()[:1]:
            return True
        deeper = indentation(self._next) > indentation(closer)
        same = indentation(self._next) == indentation(closer) and closes_block(self._next, self._language)
        return bool(self._next) and (deeper or same)


@dataclass(frozen=True)
class _Block:
    """Lines indented by more than ``limit`` belong to it."""

    first: int
    """Index of the first line to be judged."""
    limit: int
    closer: int | None
    """The indentation of the line that may close it."""
    kept: int = 0
    """What is kept in any case."""
    paragraph: bool = False
    """A blank line ends it, unless what follows is indented deeper than its first line."""
    complete: bool = False
    """The first line is all."""
    line: bool = False
    """The first line may be all."""

    def stop(self, kept: int) -> Stop:
        only_line = self.line and kept == self.kept
        return Stop(kept, FinishReason.LINE if only_line else FinishReason.BLOCK)


def _repeated_lines(lines: list[_Line]) -> Stop | None:
    """The same one to three lines, three times in a row: keep them once.

    At another indentation a line is another one: nested blocks end in ``end``, ``end``, ``end``.
    """
    content = [line for line in lines if line.whole and not line.blank]
    for size, last in _windows(len(content)):
        cycle = content[last - size * _EQUAL_LINES : last]
        words = [line.text.rstrip() for line in cycle]
        if words == words[:size] * _EQUAL_LINES and any(map(str.isalnum, "".join(words))):
            return Stop(cycle[size - 1].end, FinishReason.REPETITION)
    return None


def _windows(count: int) -> Iterator[tuple[int, int]]:
    for size in range(1, _LONGEST_CYCLE_LINES + 1):
        for last in range(size * _EQUAL_LINES, count + 1):
            yield size, last


def _repetition(text: str) -> Stop | None:
    """The text ends in a short piece over and over again: keep it once."""
    run = _WORD_RUN if text[-1:].isalnum() else _RUN
    if len(text) >= run and text.endswith(text[-1] * run):
        return Stop(len(text) - run + 1, FinishReason.REPETITION)
    for size in range(2, _LONGEST_CYCLE_CHARS + 1):
        unit, repeats = text[-size:], max(_CYCLE_REPEATS, -(-_CYCLE_CHARS // size))
        if len(set(unit)) == 1 or not any(map(str.isalnum, unit)):
            continue
        if len(unit) == size and text.endswith(unit * repeats):
            return Stop(len(text) - size * (repeats - 1), FinishReason.REPETITION)
    return None


def rule_for(request: CompletionRequest) -> StopRule:
    """The rules that a request's document and wishes make."""
    return StopRule(
        before=request.text[: request.cursor],
        after=request.text[request.cursor :],
        language=request.language,
        single_line=request.single_line,
        strings=request.stop,
    )


def whole_lines(text: str) -> int:
    """How much to show of a text that a budget broke off: its whole lines, or all of its only one."""
    end = text.rstrip("\n").rfind("\n")
    return end if end >= 0 and text[:end].strip() else len(text)
