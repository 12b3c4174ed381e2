"""A piece of another file that stands in front of a document, and what finding it takes of an index."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

_PARTS = re.compile(r"[^\W\d_]+|\d|[^\S\n]+|\n\s*|[^\w\s]+|_+")
_LETTERS = 5
"""Of a word that are one token, about: longer words are two or more."""
_SIGNS = 2


class Why(StrEnum):
    """Why a piece is shown. The names are those of the rankings they come from."""

    SYMBOLS = "symbols"
    """It defines a name in scope at the cursor."""
    EDITED = "edited"
    """It was edited a moment ago."""
    SIMILAR = "similar"
    """A search with the lines around the cursor found it."""


class Excerpt(NamedTuple):
    """Some lines of a file of the repository; the path is relative to its root. Ends are exclusive."""

    path: str
    start: int
    end: int
    text: str
    """Of a class its skeleton, so not always what the file says in these lines."""
    name: str = ""
    """The qualified name of the definition, where it is one."""


class Defined(NamedTuple):
    """A definition of a name that stands near the cursor."""

    name: str
    excerpt: Excerpt
    imported: bool
    """The document imports the file."""
    named: bool
    """The document imports the name itself."""
    files: int
    """So many files define the name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An excerpt, why it is shown and what it is worth at the place it was chosen for."""

    excerpt: Excerpt
    why: Why
    score: float


class Repository(Protocol):
    """What is asked of an index. Never the file at ``path`` itself, nor what the index leaves alone."""

    def definitions(self, path: str, names: Sequence[str]) -> Sequence[Defined]:
        """Where other files define ``names``, or what the file at ``path`` imports by name."""
        ...

    def search(self, path: str, query: str, k: int) -> Sequence[Excerpt]:
        """The ``k`` pieces of other files most like the query, best first."""
        ...

    def around(self, path: str, line: int) -> Excerpt | None:
        """The smallest piece of the file at ``path`` around a line."""
        ...


def tokens_of(text: str) -> int:
    """About how many tokens a code model makes of ``text``; more rather than fewer.

    Words count a token for every five letters, digits one each, signs one for two, blanks and line ends one
    a run; what is not ASCII one for each byte of UTF-8, at most.
    """
    return sum(_size(part) for part in _PARTS.findall(text))


def _size(part: str) -> int:
    """Of a run of one kind."""
    plain = sum(char.isascii() for char in part)
    rest = len(part.encode("utf-8", "surrogatepass")) - plain
    if part.isspace():
        return min(plain, 1) + rest
    return math.ceil(plain / (_LETTERS if part[0].isalnum() else _SIGNS)) + rest
