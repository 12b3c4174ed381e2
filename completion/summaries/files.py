"""Sources from the disk: one file, or every file of a repository that may be read."""

from pathlib import Path

from completion.summaries.subjects import Source
from retrieval.errors import NotIndexed
from retrieval.languages import PLAIN, language_of
from retrieval.reading import read
from retrieval.secrets import secret_in, secret_name
from retrieval.syntax import SyntaxReader
from retrieval.walk import read_text, walk


def read_source(root: Path, path: str, reader: SyntaxReader) -> Source:
    """One file, with ``\\n`` as its line end. Raises OutsideRoot, and NotIndexed with the reason."""
    return source_of_text(path, read_text(root, path), reader)


def source_of_text(path: str, text: str, reader: SyntaxReader) -> Source:
    """A text that is not on the disk yet, with ``\\n`` as its line end. Raises NotIndexed for secrets."""
    if secret_name(path.rpartition("/")[2]):
        raise NotIndexed(f"{path} is left alone: by its name it holds secrets.")
    if what := secret_in(text):
        raise NotIndexed(f"{path} is left alone: it holds what looks like {what}.")
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
