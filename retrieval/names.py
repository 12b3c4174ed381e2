"""Finding a name from a part of it, as a person types it into a symbol search. Pure."""

import re
from enum import IntEnum
from os.path import commonprefix

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


def fit(typed: str, name: str) -> Fit | None:
    """How ``name`` fits ``typed``; None if it does not. Everything fits an empty ``typed``."""
    low, lower = typed.lower(), name.lower()
    if typed == name:
        return Fit.EXACT
    if low == lower:
        return Fit.SAME_LETTERS
    if name.startswith(typed):
        return Fit.PREFIX
    if lower.startswith(low):
        return Fit.PREFIX_LETTERS
    if _fits_humps(low.replace("_", ""), humps(name)):
        return Fit.HUMPS
    return Fit.SUBSTRING if low in lower else None


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


def _fits_humps(typed: str, parts: tuple[str, ...]) -> bool:
    """Whether ``typed`` is made of beginnings of parts, in order; parts may be left out."""
    if not typed:
        return True
    if not parts:
        return False
    first, rest = parts[0], parts[1:]
    longest = len(commonprefix((typed, first)))  # noqa: RUF071 - of letters
    return any(_fits_humps(typed[taken:], rest) for taken in range(longest, -1, -1))
