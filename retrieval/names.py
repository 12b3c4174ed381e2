"""Finding a name from a part of it, as a person types it into a symbol search. Pure."""

import re
from enum import IntEnum
from functools import lru_cache

_BORDER = "\0"
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+", re.UNICODE)


class Fit(IntEnum):
    """How well a name fits what was typed, best first."""

    EXACT = 0
    SAME_LETTERS = 1
    """But for case."""
    PREFIX = 2
    PREFIX_LETTERS = 3
    HUMPS = 4
    """``rIx``, ``RepIn`` and ``rep_in`` find ``RepositoryIndex``."""
    SUBSTRING = 5


class Typed:
    """What was typed, ready to be compared with many names."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self._low = typed.lower()
        letters = [re.escape(letter) for letter in self._low.replace("_", "")]
        self._by_humps = re.compile(_BORDER + f"(?:.*?{_BORDER})?".join(letters), re.DOTALL)
        self._is_empty = not letters

    def begins(self, name: str) -> Fit | None:
        """How ``name`` fits if it does from its start, which is better than any other way."""
        if name == self._typed:
            return Fit.EXACT
        lower = name.lower()
        if not lower.startswith(self._low):
            return Fit.PREFIX if name.startswith(self._typed) else None
        if lower == self._low:
            return Fit.SAME_LETTERS
        return Fit.PREFIX if name.startswith(self._typed) else Fit.PREFIX_LETTERS

    def lies_in(self, name: str) -> Fit | None:
        """How a name fits that does not from its start."""
        if self._is_empty or self._by_humps.search(_bordered(name)):
            return Fit.HUMPS
        return Fit.SUBSTRING if self._low in name.lower() else None


def fit(typed: str, name: str) -> Fit | None:
    """How ``name`` fits ``typed``; None if it does not. Everything fits an empty ``typed``."""
    asked = Typed(typed)
    how = asked.begins(name)
    return asked.lies_in(name) if how is None else how


def humps(name: str) -> tuple[str, ...]:
    """The parts of an identifier, in lower case: ``HTTPServer_v2`` gives http, server, v, 2."""
    return tuple(part.lower() for part in _HUMPS.findall(name))


def like_pattern(typed: str) -> str:
    """A LIKE pattern, escaped by a backslash, that every fitting name fulfils.

    SQLite knows the case of ASCII letters only, so others are left to ``fit``.
    """
    told = (letter for letter in typed if letter.isascii() and letter != "_")
    letters = [f"\\{letter}" if letter in "%\\" else letter for letter in told]
    return f"%{'%'.join(letters)}%" if letters else "%"


@lru_cache(maxsize=1 << 15)
def _bordered(name: str) -> str:
    """The parts of a name, a border in front of each.

    What was typed is made of beginnings of parts, in order, if each of its letters stands right behind the
    one before or behind a border.
    """
    return "".join(f"{_BORDER}{part}" for part in humps(name))
