"""Recomputes an index from its files and says where it differs: the law behind every refresh."""

from collections.abc import Iterator

from retrieval import lookups
from retrieval.catalog import Connection
from retrieval.index import RepositoryIndex
from retrieval.records import Chunk
from retrieval.refresh import Parsed


def audit(index: RepositoryIndex) -> list[str]:
    """One sentence for each thing that the index has wrong; empty when it says what the files say.

    Unsaved buffers are left aside. Reads every file; changes nothing. Raises CorruptIndex.
    """
    damage = [f"The catalogue is damaged: {found}." for found in index.catalog.check()]
    with index.catalog.reading() as connection:
        return [*damage, *_in_rows(connection), *_in_files(index, connection)]


def _in_rows(connection: Connection) -> Iterator[str]:
    """What the tables say of one another."""
    unfindable, unknown = lookups.lexical_differences(connection)
    if unfindable:
        yield f"{unfindable} pieces cannot be found by their words."
    if unknown:
        yield f"The words of {unknown} pieces are kept that are not there any more."


def _in_files(index: RepositoryIndex, connection: Connection) -> Iterator[str]:
    scan = index.scanner.everything()
    outcomes = {path: index.scanner.parse(path, on_disk) for path, on_disk in scan.files.items()}
    parsed = {path: each for path, each in outcomes.items() if isinstance(each, Parsed)}
    held = lookups.held_files(connection)
    for path in sorted(held.keys() - parsed.keys()):
        yield f"{path} is in the index, and should not be."
    for path in sorted(parsed.keys() - held.keys()):
        yield f"{path} is not in the index."
    for path in sorted(parsed.keys() & held.keys()):
        if held[path].key != parsed[path].held.key:
            yield f"{path} has changed since it was read."
        elif wrong := _wrong_in(connection, parsed[path]):
            yield f"{path} is indexed wrongly: its {wrong} differ."


def _wrong_in(connection: Connection, parsed: Parsed) -> str:
    path = parsed.held.key.path
    chunks = [each.chunk for each in lookups.chunks_of(connection, path)]
    if sorted(chunks, key=_place) != sorted(parsed.chunks, key=_place):
        return "pieces"
    return "" if lookups.outline(connection, path) == parsed.outline else "symbols"


def _place(chunk: Chunk) -> tuple[int, int, str, str]:
    start, end = chunk.lines
    return start, end, chunk.name, chunk.text
