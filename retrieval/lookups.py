"""What the index asks of the catalogue, in the caller's transaction. Nothing here changes anything."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, func, select, text

from retrieval.records import (
    Chunk,
    ChunkKind,
    Definition,
    FileKey,
    Import,
    Lines,
    Outline,
    Reference,
    SymbolHit,
    SymbolKind,
)
from retrieval.refresh import Held, Stat
from retrieval.tables import CHUNKS, DEFINITIONS, FILES, IMPORTS, META, REFERENCES, VECTORS

T = TypeVar("T")
_AT_ONCE = 500
"""Ids in one statement; SQLite's oldest limit is 999."""


class StoredChunk(NamedTuple):
    """A chunk and the file it is in."""

    id: int
    path: str
    language: str
    chunk: Chunk


class Use(NamedTuple):
    """A reference and the file it is in."""

    path: str
    reference: Reference


class Counts(NamedTuple):
    """How much the catalogue holds."""

    files: int
    chunks: int
    definitions: int
    embedded: int
    """Chunks whose vector is there."""


def held_files(connection: Connection) -> dict[str, Held]:
    """Every file by its path."""
    columns = FILES.c.path, FILES.c.language, FILES.c.digest, FILES.c.size, FILES.c.mtime_ns
    rows = connection.execute(select(*columns))
    return {row.path: Held(FileKey(*row[:3]), Stat(row.size, row.mtime_ns)) for row in rows}


def meta(connection: Connection, key: str) -> str | None:
    """What is remembered of the index under ``key``."""
    return connection.execute(select(META.c.value).where(META.c.key == key)).scalar()


def counts(connection: Connection) -> Counts:
    """Files, chunks, definitions and vectors."""
    return Counts(
        files=_count(connection, FILES.c.id),
        chunks=_count(connection, CHUNKS.c.id),
        definitions=_count(connection, DEFINITIONS.c.id),
        embedded=_count(connection, CHUNKS.c.id, CHUNKS.c.digest.in_(select(VECTORS.c.digest))),
    )


def chunks_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, StoredChunk]:
    """The chunks of these ids that are there."""
    found: dict[int, StoredChunk] = {}
    for some in portions(sorted(set(ids))):
        found.update((each.id, each) for each in _chunks(connection, CHUNKS.c.id.in_(some)))
    return found


def chunks_of(connection: Connection, path: str) -> list[StoredChunk]:
    """The chunks of one file, in order of lines."""
    return list(_chunks(connection, FILES.c.path == path))


def chunk_ids(connection: Connection) -> set[int]:
    """Every chunk's id."""
    return set(connection.execute(select(CHUNKS.c.id)).scalars())


def definition_counts(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many definitions each of these names has, where it has any."""
    found: dict[str, int] = {}
    for some in portions(names):
        query = (
            select(DEFINITIONS.c.name, func.count())
            .where(DEFINITIONS.c.name.in_(some))
            .group_by(DEFINITIONS.c.name)
        )
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def chunks_defining(connection: Connection, name: str, k: int) -> list[int]:
    """Ids of the smallest chunk around each definition of ``name``."""
    around = (
        select(CHUNKS.c.id, DEFINITIONS.c.id.label("definition"))
        .join(DEFINITIONS, DEFINITIONS.c.file_id == CHUNKS.c.file_id)
        .where(DEFINITIONS.c.name == name)
        .where(CHUNKS.c.start <= DEFINITIONS.c.name_line, DEFINITIONS.c.name_line < CHUNKS.c.end)
        .order_by(DEFINITIONS.c.id, CHUNKS.c.end - CHUNKS.c.start)
    )
    first: dict[int, int] = {}
    for chunk_id, definition in connection.execute(around):
        first.setdefault(definition, chunk_id)
    return list(dict.fromkeys(first.values()))[:k]


def definitions_named(connection: Connection, name: str) -> list[SymbolHit]:
    """The definitions of a name, plain or qualified, in order of path and line."""
    column = DEFINITIONS.c.qualified if "." in name else DEFINITIONS.c.name
    return [hit for _, hit in _definitions(connection, column == name)]


def definitions_of(connection: Connection, names: Sequence[str]) -> list[SymbolHit]:
    """The definitions of any of these plain names, in order of path and line."""
    found = (_definitions(connection, DEFINITIONS.c.name.in_(some)) for some in portions(names))
    return [hit for hits in found for _, hit in hits]


def names_like(connection: Connection, pattern: str, most: int) -> list[str]:
    """Names of definitions that fit a LIKE pattern (escaped with a backslash), each once, shortest first."""
    name = DEFINITIONS.c.name
    query = select(name).distinct().where(name.like(pattern, escape="\\"))
    return list(connection.execute(query.order_by(func.length(name), name).limit(most)).scalars())


def outline(connection: Connection, path: str) -> Outline | None:
    """What the syntax of a file says; None for a file that is not held."""
    row = connection.execute(
        select(FILES.c.id, FILES.c.language, FILES.c.broken).where(FILES.c.path == path)
    ).first()
    if row is None:
        return None
    uses = connection.execute(
        select(REFERENCES).where(REFERENCES.c.file_id == row.id).order_by(REFERENCES.c.id)
    )
    imported = connection.execute(select(IMPORTS).where(IMPORTS.c.file_id == row.id).order_by(IMPORTS.c.id))
    return Outline(
        language=row.language,
        definitions=tuple(hit.definition for _, hit in _definitions(connection, FILES.c.id == row.id)),
        references=tuple(_reference(each) for each in uses),
        imports=tuple(_import(each) for each in imported),
        broken=row.broken,
    )


def callers_of(connection: Connection, name: str, most: int) -> list[Use]:
    """Calls of a name, in order of path and line."""
    query = (
        select(FILES.c.path, REFERENCES)
        .join(FILES, FILES.c.id == REFERENCES.c.file_id)
        .where(REFERENCES.c.name == name, REFERENCES.c.is_call)
        .order_by(FILES.c.path, REFERENCES.c.line)
        .limit(most)
    )
    return [Use(row.path, _reference(row)) for row in connection.execute(query)]


def paths(connection: Connection) -> set[str]:
    """Every file's path."""
    return set(connection.execute(select(FILES.c.path)).scalars())


def all_imports(connection: Connection) -> Iterator[tuple[str, str, Import]]:
    """Path, language and import, of every file."""
    query = select(FILES.c.path, FILES.c.language, IMPORTS).join(FILES, FILES.c.id == IMPORTS.c.file_id)
    return ((row.path, row.language, _import(row)) for row in connection.execute(query))


def pending(connection: Connection, most: int, after: int = 0) -> list[tuple[int, str, str]]:
    """Id, digest and text of chunks without a vector, those behind the id ``after``, in order of ids."""
    has_one = select(VECTORS.c.digest).where(VECTORS.c.digest == CHUNKS.c.digest).exists()
    query = select(CHUNKS.c.id, CHUNKS.c.digest, CHUNKS.c.text).where(CHUNKS.c.id > after, ~has_one)
    rows = connection.execute(query.order_by(CHUNKS.c.id).limit(most))
    return [(row[0], row[1], row[2]) for row in rows]


def vectors(connection: Connection, ids: Iterable[int] | None = None) -> Iterator[tuple[int, bytes]]:
    """Chunk ids (None: all) with their vectors, where there are any."""
    query = select(CHUNKS.c.id, VECTORS.c.vector).join(VECTORS, VECTORS.c.digest == CHUNKS.c.digest)
    if ids is None:
        yield from ((row[0], row[1]) for row in connection.execute(query))
        return
    for some in portions(sorted(set(ids))):
        rows = connection.execute(query.where(CHUNKS.c.id.in_(some)))
        yield from ((row[0], row[1]) for row in rows)


def ids_of_digests(connection: Connection, digests: Sequence[str]) -> dict[str, list[int]]:
    """The chunks of each content."""
    found: dict[str, list[int]] = {}
    for some in portions(digests):
        query = select(CHUNKS.c.digest, CHUNKS.c.id).where(CHUNKS.c.digest.in_(some))
        for digest, chunk_id in connection.execute(query):
            found.setdefault(digest, []).append(chunk_id)
    return found


def languages(connection: Connection) -> Mapping[str, int]:
    """Files of each language, most first."""
    number = func.count()
    query = select(FILES.c.language, number).group_by(FILES.c.language).order_by(number.desc())
    return {row[0]: row[1] for row in connection.execute(query)}


def portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that fit one statement."""
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


def lexical_differences(connection: Connection) -> tuple[int, int]:
    """How many chunks have no words, and how many words no chunk."""
    words = set(connection.execute(text("SELECT rowid FROM lexical")).scalars())
    chunks = chunk_ids(connection)
    return len(chunks - words), len(words - chunks)


def _count(
    connection: Connection, column: ColumnElement[int], where: ColumnElement[bool] | None = None
) -> int:
    query = select(func.count(column))
    return connection.execute(query if where is None else query.where(where)).scalar_one()


def _chunks(connection: Connection, where: ColumnElement[bool]) -> Iterator[StoredChunk]:
    columns = (
        CHUNKS.c.id, FILES.c.path, FILES.c.language, CHUNKS.c.kind, CHUNKS.c.start, CHUNKS.c.end,
        CHUNKS.c.text, CHUNKS.c.name,
    )  # fmt: skip
    query = select(*columns).join(FILES, FILES.c.id == CHUNKS.c.file_id).where(where)
    for chunk_id, path, language, kind, start, end, content, name in connection.execute(
        query.order_by(CHUNKS.c.start, CHUNKS.c.id)
    ):
        yield StoredChunk(chunk_id, path, language, Chunk(ChunkKind(kind), Lines(start, end), content, name))


def _select_definitions() -> Any:
    return select(FILES.c.path, FILES.c.language, DEFINITIONS).join(
        FILES, FILES.c.id == DEFINITIONS.c.file_id
    )


def _definitions(connection: Connection, where: ColumnElement[bool]) -> Iterator[tuple[int, SymbolHit]]:
    query = _select_definitions().where(where).order_by(FILES.c.path, DEFINITIONS.c.id)
    return ((row.id, _hit(row)) for row in connection.execute(query))


def _hit(row: Row[Any]) -> SymbolHit:
    definition = Definition(
        name=row.name,
        qualified=row.qualified,
        kind=SymbolKind(row.kind),
        lines=Lines(row.start, row.end),
        name_line=row.name_line,
        name_column=row.name_column,
        signature=row.signature,
        docstring=row.docstring,
        body_line=row.body_line,
        name_prefix=row.name_prefix,
    )
    return SymbolHit(row.path, row.language, definition)


def _reference(row: Row[Any]) -> Reference:
    return Reference(row.name, row.line, row.within, row.is_call, row.receiver)


def _import(row: Row[Any]) -> Import:
    names = tuple((there, here) for there, here in json.loads(row.names))
    return Import(row.module, row.line, row.level, names, row.alias)
