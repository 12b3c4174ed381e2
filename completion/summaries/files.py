"""Sources from the disk: one file, or every file of a repository that may be read."""

from pathlib import Path

from completion.summaries.subjects import Source
from retrieval.errors import NotIndexed
from retrieval.languages import PLAIN, language_of
from retrieval.reading import read
from retrieval.syntax import SyntaxReader
from retrieval.walk import read_text, walk


def read_source(root: Path, path: str, reader: SyntaxReader) -> Source:
    """One file, with ``\\n`` as its line end. Raises OutsideRoot, and NotIndexed with the reason."""
    text = read_text(root, path)
    language = language_of(path, text.partition("\n")[0])
    return Source(path, text, read(text, language, reader)[0])


def read_repository(root: Path, reader: SyntaxReader) -> list[Source]:
    """The files of ``root`` in a language that is known, by path. Raises NoRepository."""
    sources: list[Source] = []
    for path in walk(root).paths:
        if language_of(path) == PLAIN:
            continue
        try:
            source = read_source(root, path, reader)
        except NotIndexed:
            continue
        if source.outline.definitions:
            sources.append(source)
    return sources
