"""What somebody wants a summary of, and everything it may be made of: files are read, nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from completion.errors import BadRequest
from completion.summaries import subjects
from completion.summaries.files import read_repository, read_source, source_of_text
from completion.summaries.levels import Level, Subject, owner_of
from completion.summaries.prompting import Example
from completion.summaries.sources import SummaryIndex
from completion.summaries.subjects import Source, examples_of
from retrieval.errors import NoRepository
from retrieval.records import Definition, Outline, SymbolKind
from retrieval.syntax import SyntaxReader

_NEAR = 12
"""Files around one, whose docstrings are examples."""


class Surroundings(SummaryIndex, Protocol):
    """A whole index: what summaries ask, and the outline of a file."""

    def outline(self, path: str) -> Outline | None:
        """What the syntax of a file says; None for one that is not indexed."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository, a file of it, or a class or function of a file."""

    root: Path
    """Only files in it are read."""
    path: str = ""
    """Relative to the root, with ``/``; empty: the repository."""
    symbol: str = ""
    """A qualified name, or a plain one that only one definition has."""
    level: Level | None = None
    """None: what is named. A level above that is what is around it."""
    text: str | None = None
    """What an editor shows in place of the file, with ``\\n`` as its line end."""

    @property
    def place(self) -> str:
        """A name for it that no other has."""
        return "\0".join((str(self.root), self.path, self.symbol, self.level or ""))


@dataclass(frozen=True, slots=True)
class Gathered:
    """A subject, and docstrings that set the tone."""

    subject: Subject
    examples: tuple[Example, ...]


def level_of(name: str | None) -> Level | None:
    """The level of that name. Raises BadRequest."""
    try:
        return None if name is None else Level(name)
    except ValueError as error:
        known = ", ".join(Level)
        raise BadRequest(
            f"There is no level `{name[:40] if name else ''}`; the levels are {known}."
        ) from error


def gather(wanted: Wanted, index: Surroundings | None) -> Gathered:
    """Read what is wanted and what is around it.

    Raises BadRequest for a symbol that is not there, OutsideRoot, NotIndexed or NoRepository.
    """
    reader = SyntaxReader()
    if wanted.level is Level.REPOSITORY or not wanted.path:
        return _repository(wanted, index, reader)
    if wanted.text is None:
        source = read_source(wanted.root, wanted.path, reader)
    else:
        source = source_of_text(wanted.path, wanted.text, reader)
    return Gathered(_subject(wanted, source, index), examples_of([source, *_near(source, index)]))


def _repository(wanted: Wanted, index: Surroundings | None, reader: SyntaxReader) -> Gathered:
    if wanted.level not in {None, Level.REPOSITORY}:
        raise BadRequest(f"A folder has a summary of level repository, not {wanted.level}; name a file.")
    sources = read_repository(wanted.root, reader)
    if not sources:
        raise NoRepository(f"{wanted.root} holds no code that can be read.")
    name = wanted.root.resolve().name or "the repository"
    return Gathered(subjects.repository(sources, index, name=name), examples_of(sources))


def _subject(wanted: Wanted, source: Source, index: Surroundings | None) -> Subject:
    if wanted.level is Level.FILE or not wanted.symbol:
        if wanted.level not in {None, Level.FILE}:
            raise BadRequest(f"Name the {wanted.level} of {wanted.path} that is meant: PATH:SYMBOL.")
        return subjects.file(source, index)
    return subjects.symbol(source, _definition(wanted, source), index)


def _definition(wanted: Wanted, source: Source) -> Definition:
    found = subjects.find(source.outline, wanted.symbol)
    if found is None:
        raise BadRequest(f"{wanted.path} defines no single `{wanted.symbol}`; give its qualified name.")
    is_class = found.kind is SymbolKind.CLASS
    if wanted.level is Level.CLASS and not is_class:
        owner = owner_of(source.outline, found)
        if owner is None:
            raise BadRequest(f"{wanted.symbol} is no class, and stands in none.")
        return owner
    if wanted.level is Level.FUNCTION and is_class:
        raise BadRequest(f"{wanted.symbol} is a class; name one of its methods, or ask for level class.")
    return found


def _near(source: Source, index: Surroundings | None) -> Sequence[Source]:
    """The files that a file imports, as far as their outlines tell."""
    paths = index.neighbours(source.path).imports[:_NEAR] if index else ()
    outlines = ((path, index.outline(path)) for path in paths) if index else ()
    return [Source(path, "", outline) for path, outline in outlines if outline]
