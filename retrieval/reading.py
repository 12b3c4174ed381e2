"""Outline and chunks of a text with one parse."""

from retrieval.chunk import chunks
from retrieval.records import Chunk, Outline
from retrieval.symbols import outline
from retrieval.syntax import SyntaxReader


def read(
    text: str, language: str, reader: SyntaxReader, *, max_chars: int = 2_000
) -> tuple[Outline, tuple[Chunk, ...]]:
    """What the syntax of ``text`` says, and the pieces it is found by."""
    said = outline(text, language, reader)
    return said, chunks(text, said, max_chars)
