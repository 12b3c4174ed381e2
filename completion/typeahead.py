"""A shown suggestion follows the keyboard: typed along it gets shorter, backspace brings it back.

No model is asked for any of this.
"""

from dataclasses import dataclass
from types import MappingProxyType

from completion.shape import brackets, closing
from completion.trimming import trim

_PARTNERS = MappingProxyType({"(": ")", "[": "]", "{": "}"})

_FAR = 80
"""Characters typed since, behind which a suggestion says nothing of what comes."""


@dataclass(frozen=True)
class Suggestion:
    """Ghost text and the document it was made for: it stood between ``before`` and ``after``."""

    before: str
    text: str
    after: str


def remaining(suggestion: Suggestion, text: str, cursor: int) -> str | None:
    """What is left of ``suggestion`` for the document ``text`` with the cursor at ``cursor``.

    An empty string when all of it was typed; None when the document is another one: typed
    something else, deleted more, edited elsewhere. Brackets, quotes and line ends that the
    editor added behind the cursor by itself are allowed, and what is left then ends before
    them. Changes nothing.
    """
    typed_len = cursor - len(suggestion.before)
    if not 0 <= typed_len <= len(suggestion.text) or not text.startswith(suggestion.before):
        return None
    typed, rest = suggestion.text[:typed_len], suggestion.text[typed_len:]
    if not text.startswith(typed, len(suggestion.before)) or not text.endswith(suggestion.after):
        return None
    added = text[cursor : len(text) - len(suggestion.after)]
    if cursor + len(added) + len(suggestion.after) != len(text):
        return None
    return rest if not added else _before_added(typed, rest, added, text[cursor:])


def expected(suggestion: Suggestion, text: str, cursor: int) -> str:
    """What ``suggestion`` lets one expect at the cursor, though it cannot be shown there any more. A guess.

    Something else was typed in its place, or the document was edited elsewhere and the cursor's line
    is the same. Empty where it has nothing to do with this place.
    """
    line = text.rfind("\n", 0, cursor) + 1
    if text.startswith(suggestion.before) and cursor >= len(suggestion.before):
        typed = text[len(suggestion.before) : cursor]
        return _beyond(typed, suggestion.text) if len(typed) <= _FAR else ""
    own = suggestion.before[suggestion.before.rfind("\n") + 1 :]
    if own.strip() and text[line:cursor].startswith(own):
        return _beyond(text[line + len(own) : cursor], suggestion.text)
    return ""


def _beyond(typed: str, suggested: str) -> str:
    """What is left of ``suggested`` behind its common start with ``typed``."""
    same = (at for at, (left, right) in enumerate(zip(typed, suggested, strict=False)) if left != right)
    return suggested[next(same, min(len(typed), len(suggested))) :]


def _before_added(typed: str, rest: str, added: str, after: str) -> str | None:
    closers = "".join(added.split())
    if not _open_in(typed).startswith(closers) or (not closers and not added.startswith("\n")):
        return None
    shorter = rest[: closing(_opener_of(closers[0]), rest)] if closers else rest
    return trim(shorter, before=typed, after=after)


def _open_in(typed: str) -> str:
    """The characters that would close what ``typed`` leaves open, innermost first."""
    left = brackets(typed)
    return left.quote + "".join(_PARTNERS[char] for char in reversed(left.open))


def _opener_of(closer: str) -> str:
    return next((left for left, right in _PARTNERS.items() if right == closer), closer)
