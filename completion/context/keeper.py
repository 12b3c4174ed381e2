"""One block a document: looked for when the cursor comes to another definition, never waited for long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from completion.context.block import changed, render
from completion.context.pieces import Piece
from completion.context.place import place
from completion.context.ranking import Question

_log = logging.getLogger(__name__)

Find = Callable[[Question], Awaitable[Sequence[Piece] | None]]
"""Looks for pieces, in a thread of its own; None: there is nothing to look in yet."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The block of one request."""

    pieces: tuple[Piece, ...] = ()
    text: str = ""


@dataclass
class _Kept:
    """The block of one document. ``at``: the place it was looked for; None: nowhere so far."""

    at: tuple[str, ...] | None = None
    shown: Shown = field(default_factory=Shown)
    running: asyncio.Task[Sequence[Piece] | None] | None = None
    sought: tuple[str, ...] = ()


class BlockKeeper:
    """Lives on the event loop. ``budget`` in tokens, 0: no block; ``deadline_s``: the longest wait."""

    def __init__(self, budget: int, deadline_s: float) -> None:
        self._budget = budget
        self._deadline_s = deadline_s
        self._kept: dict[str, _Kept] = {}

    async def block(
        self, document: str, question: Question, find: Find, *, language: str, window: str
    ) -> Shown:
        """The block for a cursor: as before while it stays in one definition.

        In another definition ``find`` is asked; if it has not answered by the deadline the block is as
        before, and the answer is used by the next request. ``window`` as in ``changed``. Raises nothing that
        ``find`` raises.
        """
        if self._budget <= 0:
            return Shown()
        kept = self._kept.setdefault(document, _Kept())
        here = place(question.text, question.cursor)
        self._take(kept, language, window)
        if kept.at == here:
            return kept.shown
        if kept.running is None:
            kept.sought = here
            kept.running = asyncio.ensure_future(find(question))
        await asyncio.wait({kept.running}, timeout=self._deadline_s)
        self._take(kept, language, window)
        return kept.shown

    def forget(self, document: str) -> None:
        """The document was closed."""
        kept = self._kept.pop(document, None)
        if kept is not None and kept.running is not None:
            kept.running.cancel()

    def _take(self, kept: _Kept, language: str, window: str) -> None:
        """Use what was found, if it is there by now."""
        running = kept.running
        if running is None or not running.done():
            return
        kept.running = None
        found = _found_by(running)
        if found is None:
            return
        kept.at = kept.sought
        pieces = changed(kept.shown.pieces, found, self._budget, language=language, window=window)
        if pieces != kept.shown.pieces:
            kept.shown = Shown(pieces, render(pieces, language))


def _found_by(task: asyncio.Task[Sequence[Piece] | None]) -> Sequence[Piece] | None:
    """What a search that has ended has found; None if it failed."""
    if task.cancelled():
        return None
    error = task.exception()
    if error is not None:
        _log.debug("No context: %s", type(error).__name__)
        return None
    return task.result()
