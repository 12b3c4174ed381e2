"""One open document and its suggestions: what is shown, what runs, and what an answer is worth by now.

Pure state on the event loop, without I/O, tasks or clocks. The protocol of a completion:

- ``ask`` gives an ``Answer`` when a suggestion already covers what was typed (the model is not asked
  again), else a ``Ticket``. It gives the running ticket once more when what was typed since agrees with
  what that one has generated so far; any other ticket replaces the running one.
- ``progress`` and ``finish`` hand in what was generated for a ticket. They give an ``Answer`` for the
  text as it is *now*, shortened by what was typed along, or None: replaced, edited away, or empty.
  ``hear`` only notes it, at next to no cost, for when nobody is to be shown the way there.

Offsets are code points of the outside text (``assistant/textform.py``), unless named inside.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from assistant.document import Document, Edit
from assistant.textform import inside_offset, line_end, outside_offset, to_inside, to_outside
from completion.config import Reuse
from completion.records import Completion, CompletionRequest, Trace, Trigger
from completion.trimming import trim
from completion.typeahead import Suggestion, expected, remaining

_REMEMBERED = 4
"""Suggestions kept for backspace and undo."""


@dataclass(frozen=True)
class Ticket:
    """A question that was put to the model."""

    id: str
    version: int
    revision: int
    """Of the document (``Document.revision``)."""
    request: CompletionRequest
    at: int
    """The cursor, outside."""
    selection: Edit | None = None
    """The item chosen in the editor's popup: the question is asked as if it were inserted."""


@dataclass(frozen=True)
class Answer:
    """Ghost text: insert ``text`` in place of ``[start, end)``."""

    id: str
    """The same for every shortened form of one suggestion."""
    start: int
    end: int
    text: str
    """With the document's own line ends."""
    trace: Trace | None
    """None while the completion still runs."""


class Manner(NamedTuple):
    """How an answer is made: what two requests must agree in to be answered alike.

    Fields as of ``CompletionRequest``.
    """

    reuse: Reuse | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


class _Shown(NamedTuple):
    id: str
    suggestion: Suggestion
    trace: Trace | None
    manner: "Manner"
    """How it was asked for: whoever asks in another way is not answered with it."""


class _LineEnd(NamedTuple):
    revision: int
    end: str


class EditorSession:
    """The state of one open document. ``key`` names it to the completion service."""

    def __init__(
        self, key: str, document: Document, *, language: str = "plaintext", new_id: Callable[[], str]
    ) -> None:
        self.key = key
        self.document = document
        self.language = language
        self._new_id = new_id
        self._shown: tuple[_Shown, ...] = ()
        """Newest first."""
        self._running: Ticket | None = None
        self._so_far = ""
        """What was generated for the running ticket, untrimmed."""
        self._line_end = _LineEnd(-1, "\n")

    def ask(
        self,
        at: int,
        *,
        trigger: Trigger,
        version: int | None = None,
        selection: Edit | None = None,
        manner: Manner = Manner(),
        prediction: str = "",
    ) -> Answer | Ticket:
        """What belongs at the cursor ``at``? ``version``: the one the client means, if it says so.

        ``manner``: what was asked for in another one answers nothing here.
        ``prediction``: what the client expects; without one, what is left of an earlier suggestion.
        Raises what ``Document.require`` raises.
        """
        self.document.require(version)
        text, cursor = self._question(at, selection)
        request = CompletionRequest(text, cursor, self.key, self.language, trigger, **manner._asdict())
        answer = self._covered(request, at, selection)
        if answer is not None:
            self._running = None
            return answer
        if self._running is None or not self._joins(self._running, request, selection):
            request = replace(request, prediction=to_inside(prediction) or self._expected(request))
            self._running = self._ticket(request, at, selection)
            self._so_far = ""
        return self._running

    def progress(self, ticket: Ticket, text: str) -> Answer | None:
        """``text`` was generated for ``ticket`` so far. What is offered of it fits what stands behind it."""
        self.hear(ticket, text)
        if ticket is not self._running:
            return None
        heard = _suggestion(ticket, self._so_far)
        offered = trim(heard.text, before=heard.before, after=heard.after)
        if not offered:
            return None
        return self._now(ticket, _shown(ticket, replace(heard, text=offered), None))

    def hear(self, ticket: Ticket, text: str) -> None:
        """``text`` was generated for ``ticket`` so far: who types it along joins the ticket."""
        if ticket is self._running:
            self._so_far = to_inside(text)

    def finish(self, ticket: Ticket, completion: Completion) -> Answer | None:
        """``ticket`` was answered. The suggestion is kept for whoever types along or goes back."""
        if ticket is not self._running:
            return None
        self._running = None
        if not completion.text:
            return None
        shown = _shown(ticket, _suggestion(ticket, to_inside(completion.text)), completion.trace)
        self._shown = (shown, *self._shown)[:_REMEMBERED]
        return self._now(ticket, shown)

    def cancel(self, ticket: Ticket) -> None:
        """Nobody waits for ``ticket`` any more."""
        if ticket is self._running:
            self._running = None

    def is_hopeless(self, ticket: Ticket) -> bool:
        """Whether no continuation of what ``ticket`` generated so far could still be shown."""
        if ticket is not self._running or self.document.trouble is not None:
            return True
        typed = _typed(ticket, self.document.inside)
        return typed is None or not (self._so_far.startswith(typed) or typed.startswith(self._so_far))

    def accept(self, suggestion: str) -> bool:
        """The suggestion of this id was inserted. False: it is not (or no longer) known."""
        kept = tuple(shown for shown in self._shown if shown.id != suggestion)
        known = len(kept) < len(self._shown)
        self._shown = kept
        return known

    def _question(self, at: int, selection: Edit | None) -> tuple[str, int]:
        """Inside text and cursor, as if ``selection`` were inserted."""
        outside = self.document.text
        if selection is None:
            return self.document.inside, inside_offset(outside, at)
        head = to_inside(outside[: selection.start] + selection.text)
        return head + to_inside(outside[selection.end :]), len(head)

    def _ticket(self, request: CompletionRequest, at: int, selection: Edit | None) -> Ticket:
        document = self.document
        return Ticket(self._new_id(), document.version, document.revision, request, at, selection)

    def _covered(self, request: CompletionRequest, at: int, selection: Edit | None) -> Answer | None:
        for shown in self._shown:
            rest = remaining(shown.suggestion, request.text, request.cursor)
            if rest and shown.manner == _manner(request):
                return self._answer(shown, rest, at, selection)
        return None

    def _expected(self, request: CompletionRequest) -> str:
        """What the newest suggestion that has to do with this place lets one expect."""
        guesses = (expected(shown.suggestion, request.text, request.cursor) for shown in self._shown)
        return next((guess for guess in guesses if guess), "")

    def _joins(self, running: Ticket, request: CompletionRequest, selection: Edit | None) -> bool:
        """Whether the running ticket will answer ``request`` too."""
        asked = running.request
        if selection or running.selection or asked.trigger != request.trigger:
            return False
        if _manner(asked) != _manner(request):
            return False
        if replace(running.request, prediction="") == request:
            return True
        shown = _suggestion(running, self._so_far)
        return bool(self._so_far and remaining(shown, request.text, request.cursor))

    def _now(self, ticket: Ticket, shown: _Shown) -> Answer | None:
        """The answer for the text as it is now; None if it does not fit."""
        if self.document.trouble is not None:
            return None
        if ticket.revision == self.document.revision:
            return self._answer(shown, shown.suggestion.text, ticket.at, ticket.selection)
        text = self.document.inside
        cursor = len(text) - len(shown.suggestion.after)
        if ticket.selection is not None or cursor < 0:
            return None
        rest = remaining(shown.suggestion, text, cursor)
        return self._answer(shown, rest, outside_offset(self.document.text, cursor), None) if rest else None

    def _answer(self, shown: _Shown, rest: str, at: int, selection: Edit | None) -> Answer:
        text = to_outside(rest, self._end_of_lines())
        if selection is not None:
            return Answer(shown.id, selection.start, selection.end, selection.text + text, shown.trace)
        return Answer(shown.id, at, at, text, shown.trace)

    def _end_of_lines(self) -> str:
        """Counted once a text, because a long one takes a while."""
        document = self.document
        if self._line_end.revision != document.revision:
            self._line_end = _LineEnd(document.revision, line_end(document.text))
        return self._line_end.end


def _manner(request: CompletionRequest) -> Manner:
    return Manner(request.reuse, request.temperature, request.top_p, request.seed)


def _shown(ticket: Ticket, suggestion: Suggestion, trace: Trace | None) -> _Shown:
    return _Shown(ticket.id, suggestion, trace, _manner(ticket.request))


def _suggestion(ticket: Ticket, text: str) -> Suggestion:
    request = ticket.request
    return Suggestion(before=request.text[: request.cursor], text=text, after=request.text[request.cursor :])


def _typed(ticket: Ticket, text: str) -> str | None:
    """What ``text`` has between the ticket's text before and behind its cursor, if those are unchanged."""
    request = ticket.request
    before, after = request.text[: request.cursor], request.text[request.cursor :]
    end = len(text) - len(after)
    if end < len(before) or not text.startswith(before) or not text.endswith(after):
        return None
    return text[len(before) : end]
