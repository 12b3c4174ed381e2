"""Where a document is cut for the prompt: windows and an anchor that stay put while one types.

::

    text   |········|--------- prefix ---------|---- tail ----|------ suffix ------|········|
           0      start                      anchor        cursor     len(text) - end_from_end

The prompt shows ``prefix``, then ``suffix``, then the middle token, then ``tail``. Whoever types
at the cursor lengthens the tail and changes nothing else, so the cached rest stays exact.
All positions are code points of a text whose only line end is ``\\n``.
"""

from dataclasses import dataclass, replace

from completion.config import CompletionConfig
from completion.errors import BadRequest

_BLOCK_CHARS = 256
"""Inside a very long line cuts stand at multiples of this (or of less, for a small budget)."""

_TAIL_GROWTH_LINES = 22
"""Lines a tail may grow by before it is anchored anew."""

_MOVED_GROWTH_LINES = 2
"""The same where the cursor moved by more than typing."""


@dataclass(frozen=True)
class Layout:
    """The three places a document is cut at, besides the cursor; see the module's picture."""

    start: int
    anchor: int
    end_from_end: int
    """Distance of the suffix's end from the end of the text: typing does not move it."""
    cursor_from_end: int = 0
    """Distance of the cursor from the end of the text: whoever types or deletes in front of it keeps it."""


def lay_out(text: str, cursor: int, previous: Layout | None, config: CompletionConfig) -> Layout:
    """The layout for ``cursor``, as much like ``previous`` as the budgets allow. Changes nothing.

    ``text[start:cursor]`` holds at most ``config.prefix_chars``, the tail ``config.tail_max_chars``
    or half of that budget, the suffix ``config.suffix_chars``. ``lay_out(text, cursor, L, config)``
    of a layout it returned for the same text and cursor is ``L``.

    Raises ``BadRequest`` if the cursor is outside the text.
    """
    if not 0 <= cursor <= len(text):
        raise BadRequest(f"The cursor ({cursor}) is outside the text ({len(text)} characters).")
    before = _Before(text, cursor, config)
    behind = _Behind(text, cursor, config.suffix_chars)
    from_end = len(text) - cursor
    if previous is None:
        return Layout(before.cut_start(), before.cut_anchor(), behind.cut(), from_end)
    moved = from_end != previous.cursor_from_end
    return Layout(
        start=previous.start if before.start_fits(previous.start) else before.cut_start(),
        anchor=previous.anchor if before.anchor_fits(previous.anchor, moved=moved) else before.cut_anchor(),
        end_from_end=previous.end_from_end if behind.fits(previous.end_from_end) else behind.cut(),
        cursor_from_end=from_end,
    )


def settle(text: str, cursor: int, layout: Layout, config: CompletionConfig) -> Layout:
    """``layout`` with a short tail, for a pause: the windows stay, an anchor far away comes closer."""
    before = _Before(text, cursor, config)
    fits = before.anchor_fits(layout.anchor, moved=True)
    return layout if fits else replace(layout, anchor=before.cut_anchor())


@dataclass(frozen=True)
class _Before:
    """Cuts in front of the cursor.

    A window is cut to three quarters of its budget and may then grow to all of it, or shrink
    (the cursor moves up) to a half. A tail is at most half the budget, so ``start <= anchor``.
    """

    text: str
    cursor: int
    config: CompletionConfig

    @property
    def budget(self) -> int:
        return max(0, self.config.prefix_chars)

    @property
    def tail_budget(self) -> int:
        return max(0, min(self.config.tail_max_chars, self.budget // 2))

    def start_fits(self, start: int) -> bool:
        if not 0 <= start <= self.cursor or self.cursor - start > self.budget:
            return False
        long_enough = start == 0 or self.cursor - start >= self.budget // 2
        return long_enough and _is_cut(self.text, start, _block(self.budget, 8))

    def cut_start(self) -> int:
        if self.cursor <= self.budget:
            return 0
        return _cut_from(self.text, self.cursor - 3 * self.budget // 4, _block(self.budget, 8))

    def anchor_fits(self, anchor: int, *, moved: bool) -> bool:
        """``moved``: the suffix begins elsewhere, so the tail is encoded anew in any case; then it may
        as well be a short one, which costs less the next time.
        """
        if not 0 <= anchor <= self.cursor or self.cursor - anchor > self.tail_budget:
            return False
        lines = self.text.count("\n", anchor, self.cursor)
        if lines > self.config.tail_lines + (_MOVED_GROWTH_LINES if moved else _TAIL_GROWTH_LINES):
            return False
        long_enough = (
            anchor == 0
            or lines >= min(1, self.config.tail_lines)
            or self.cursor - anchor >= self.tail_budget // 4
        )
        return long_enough and _is_cut(self.text, anchor, _block(self.tail_budget, 4))

    def cut_anchor(self) -> int:
        """``tail_lines`` lines above the cursor's own, or less where lines are very long."""
        anchor = _line_start(self.text, self.cursor)
        for _ in range(self.config.tail_lines):
            anchor = _line_start(self.text, max(0, anchor - 1))
        furthest = self.cursor - self.tail_budget // 2
        if anchor >= furthest:
            return anchor
        return _cut_from(self.text, furthest, _block(self.tail_budget, 4))


@dataclass(frozen=True)
class _Behind:
    """The cut behind the cursor, as a distance from the end of the text."""

    text: str
    cursor: int
    suffix_chars: int

    @property
    def budget(self) -> int:
        return max(0, self.suffix_chars)

    def fits(self, end_from_end: int) -> bool:
        end = len(self.text) - end_from_end
        if not self.cursor <= end <= min(len(self.text), self.cursor + self.budget):
            return False
        if end_from_end == 0:
            return True
        long_enough = end - self.cursor >= self.budget // 2
        return long_enough and _is_end_cut(self.text, end, _block(self.budget, 8))

    def cut(self) -> int:
        if len(self.text) - self.cursor <= self.budget:
            return 0
        end = _cut_up_to(self.text, self.cursor + 3 * self.budget // 4, _block(self.budget, 8))
        return len(self.text) - end


def _block(budget: int, parts: int) -> int:
    return max(1, min(_BLOCK_CHARS, budget // parts))


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _is_cut(text: str, position: int, block: int) -> bool:
    """Whether ``position`` is a line's start, or a multiple of ``block`` characters inside one."""
    return (position - _line_start(text, position)) % block == 0


def _cut_from(text: str, position: int, block: int) -> int:
    """The first line start in ``[position, position + block)``, else a multiple of ``block`` there."""
    line = _line_start(text, position)
    following = _line_end(text, position) + 1
    if position != line and following - position < block and following <= len(text):
        return following
    return position + (line - position) % block


def _is_end_cut(text: str, position: int, block: int) -> bool:
    """Like ``_is_cut``, but counted from the line's end: typing in the same line keeps it."""
    at_line_start = position == _line_start(text, position)
    return at_line_start or (_line_end(text, position) - position) % block == 0


def _cut_up_to(text: str, position: int, block: int) -> int:
    """The last line start in ``(position - block, position]``, else ``block``s from the line's end."""
    line = _line_start(text, position)
    if position - line < block:
        return line
    return position - (position - _line_end(text, position)) % block
