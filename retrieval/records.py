"""What is read out of a repository and what a search finds: plain values, no behaviour.

What there is much of is a tuple: it crosses from one process to another in a fifth of a dataclass's time.

A file's text uses ``\\n`` as its only line end. Lines are counted from 0, ends are exclusive. Paths are
relative to the root of the repository, with ``/``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Lines(NamedTuple):
    """Whole lines of a file."""

    start: int
    end: int


class ChunkKind(StrEnum):
    """What a chunk is made of."""

    FUNCTION = "function"
    """A function or a method, with its decorators and its comment."""
    CLASS = "class"
    """A class without the bodies of its methods; a small class whole."""
    MODULE = "module"
    """What stands between definitions: imports, constants, statements."""
    LINES = "lines"
    """A run of lines of a file without a grammar, or a piece of a definition that is too large."""


class Chunk(NamedTuple):
    """A piece of a file that is found, shown and embedded as one."""

    kind: ChunkKind
    lines: Lines
    text: str
    """The lines; of a class the skeleton, so not always what the file says in them."""
    name: str = ""
    """Qualified (``Class.method``), or empty."""


class SymbolKind(StrEnum):
    """What a definition defines."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    """Also structs, traits, interfaces, enumerations, objects and modules of a language."""
    TYPE = "type"
    """A type alias."""
    VARIABLE = "variable"
    """At the top of a file or a class only."""


class Definition(NamedTuple):
    """A name and what it stands for."""

    name: str
    qualified: str
    """``Class.method``; equal to ``name`` at the top of a file."""
    kind: SymbolKind
    lines: Lines
    """Decorators and body included."""
    name_line: int
    name_column: int
    """Code points."""
    signature: str
    """Everything in front of the body, in one line."""
    docstring: str = ""
    """Without quotes or comment marks; the comment in front of it where a language has no docstrings."""
    body_line: int = 0
    """Where the body begins; equal to ``lines.end`` where there is none."""
    name_prefix: str = ""
    """What stands in front of the name in its line, where that is not all ASCII; else empty."""


class Reference(NamedTuple):
    """A use of a name that no parameter or local variable binds here, as far as the syntax tells."""

    name: str
    line: int
    within: str
    """The qualified name of the definition around it; empty at the top of the file."""
    is_call: bool
    receiver: str = ""
    """What stands in front of the dot, where that is a plain name (``self``, ``module``)."""


class Import(NamedTuple):
    """One imported module, or some names of it."""

    module: str
    """As written, without quotes: ``a.b``, ``./util``, ``std::fmt``, ``com.foo.Bar``, ``net/http``."""
    line: int
    level: int = 0
    """Leading dots of a relative import (Python)."""
    names: tuple[tuple[str, str], ...] = ()
    """``(name there, name here)``; empty for the module as a whole."""
    alias: str = ""
    """What the module is called here, where that is not its own name."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What the syntax of one file says."""

    language: str
    definitions: tuple[Definition, ...] = ()
    references: tuple[Reference, ...] = ()
    imports: tuple[Import, ...] = ()
    broken: bool = False
    """The file has a syntax error somewhere; what stands around it is here nevertheless."""


class FileKey(NamedTuple):
    """What makes two versions of a file the same to the index."""

    path: str
    language: str
    digest: str
    """Of the content, in hexadecimal."""


class Found(NamedTuple):
    """One result of one ranking, best first in its list."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of the repository that a search has found."""

    path: str
    language: str
    kind: ChunkKind
    name: str
    lines: Lines
    text: str
    score: float
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    """What each ranking (``dense``, ``lexical``, ``symbols``) added to the score."""


@dataclass(frozen=True, slots=True)
class SymbolHit:
    """A definition and the file it is in."""

    path: str
    language: str
    definition: Definition


@dataclass(frozen=True)
class IndexStatus:
    """How much of a repository is searchable."""

    root: str
    files: int
    chunks: int
    definitions: int
    embedded: int
    """Chunks with a vector of the embedder in use."""
    embedder: str
    """Empty: words and symbols only."""
    unsaved: int
    """Buffers in front of their files."""
