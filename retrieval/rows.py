"""Writing files into the catalogue. The caller owns the transaction."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, text, update

from retrieval.lexical import LexicalIndex
from retrieval.lookups import portions
from retrieval.records import Chunk, Outline
from retrieval.refresh import Held, Parsed
from retrieval.tables import CHUNKS, DEFINITIONS, FILES, IMPORTS, META, REFERENCES, VECTORS

Values = tuple[int | str | bool, ...]
"""A row, in the order of its table's columns; without its id, which the table gives it, except of a chunk."""

_LAST_CHUNK = text("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'")
_MOVE = (
    update(CHUNKS)
    .where(CHUNKS.c.id == bindparam("chunk"))
    .values(start=bindparam("first"), end=bindparam("last"))
)


class Changed(NamedTuple):
    """Chunk ids that came and went."""

    added: tuple[int, ...]
    removed: tuple[int, ...]


def chunk_digest(chunk: Chunk) -> str:
    """Of all that is embedded and searched: equal chunks have one vector."""
    said = f"{chunk.kind}\0{chunk.name}\0{chunk.text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).hexdigest()


@dataclass
class _Batch:
    """Rows of several files, on their way into the tables."""

    next_chunk: int
    chunks: list[Values] = field(default_factory=list[Values])
    texts: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Of the chunks, by their ids."""
    moved: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    removed: list[int] = field(default_factory=list[int])
    definitions: list[Values] = field(default_factory=list[Values])
    references: list[Values] = field(default_factory=list[Values])
    imports: list[Values] = field(default_factory=list[Values])


def put_files(connection: Connection, files: Sequence[Parsed]) -> Changed:
    """Write files in place of what is held at their paths. Chunks whose content stays keep their ids."""
    batch = _Batch((connection.execute(_LAST_CHUNK).scalar() or 0) + 1)
    for parsed in files:
        file_id, is_new = _put_file_row(connection, parsed)
        old = {} if is_new else _old_chunks(connection, file_id)
        _sort_chunks(batch, file_id, parsed.chunks, old)
        _note_symbols(batch, file_id, parsed.outline)
    _drop_chunks(connection, batch.removed)
    if batch.moved:
        connection.execute(_MOVE, batch.moved)
    tables = (
        (CHUNKS, batch.chunks), (DEFINITIONS, batch.definitions),
        (REFERENCES, batch.references), (IMPORTS, batch.imports),
    )  # fmt: skip
    for table, rows in tables:
        _insert(connection, table, rows)
    LexicalIndex(connection).add(batch.texts)
    return Changed(tuple(chunk_id for chunk_id, _ in batch.texts), tuple(batch.removed))


def drop_files(connection: Connection, paths: Sequence[str]) -> Changed:
    """Remove files and everything of them; a path that is not held is none of our business."""
    gone: list[int] = []
    for some in portions(paths):
        files = select(FILES.c.id).where(FILES.c.path.in_(some))
        ids = connection.execute(select(CHUNKS.c.id).where(CHUNKS.c.file_id.in_(files))).scalars().all()
        LexicalIndex(connection).remove(ids)
        connection.execute(delete(FILES).where(FILES.c.path.in_(some)))
        gone += ids
    return Changed((), tuple(gone))


def put_stats(connection: Connection, held: Iterable[Held]) -> None:
    """Remember size and time of files whose content stayed."""
    for each in held:
        changed = {"size": each.stat.size, "mtime_ns": each.stat.mtime_ns}
        connection.execute(update(FILES).where(FILES.c.path == each.key.path).values(changed))


def put_meta(connection: Connection, key: str, value: str) -> None:
    """Remember one thing about the index; what is no UTF-8 of a path, escaped."""
    value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    connection.execute(insert(META).prefix_with("OR REPLACE").values(key=key, value=value))


def put_vectors(connection: Connection, vectors: Iterable[tuple[str, bytes]]) -> None:
    """Keep vectors by their chunks' digests."""
    rows = [{"digest": digest, "vector": vector} for digest, vector in vectors]
    if rows:
        connection.execute(insert(VECTORS).prefix_with("OR REPLACE"), rows)


def drop_vectors(connection: Connection) -> None:
    """Forget every vector: another embedder is in use."""
    connection.execute(delete(VECTORS))


def drop_unused_vectors(connection: Connection) -> int:
    """Forget the vectors of content that no file has any more; how many."""
    used = select(CHUNKS.c.digest)
    return connection.execute(delete(VECTORS).where(VECTORS.c.digest.not_in(used))).rowcount


def _put_file_row(connection: Connection, parsed: Parsed) -> tuple[int, bool]:
    """The file's id and whether it is new; old symbols are gone, old chunks stay for now."""
    (path, language, digest), stat = parsed.held
    values = {
        "language": language, "digest": digest, "size": stat.size, "mtime_ns": stat.mtime_ns,
        "broken": parsed.outline.broken,
    }  # fmt: skip
    file_id = connection.execute(select(FILES.c.id).where(FILES.c.path == path)).scalar()
    if file_id is None:
        made = connection.execute(insert(FILES), {"path": path, **values})
        return int(made.lastrowid), True
    connection.execute(update(FILES).where(FILES.c.id == file_id).values(values))
    for table in (DEFINITIONS, REFERENCES, IMPORTS):
        connection.execute(delete(table).where(table.c.file_id == file_id))
    return int(file_id), False


class _Old(NamedTuple):
    id: int
    start: int
    end: int


def _old_chunks(connection: Connection, file_id: int) -> dict[str, list[_Old]]:
    columns = CHUNKS.c.digest, CHUNKS.c.id, CHUNKS.c.start, CHUNKS.c.end
    rows = connection.execute(select(*columns).where(CHUNKS.c.file_id == file_id).order_by(CHUNKS.c.start))
    old: dict[str, list[_Old]] = {}
    for digest, *rest in rows:
        old.setdefault(digest, []).append(_Old(*rest))
    return old


def _sort_chunks(batch: _Batch, file_id: int, chunks: Sequence[Chunk], old: dict[str, list[_Old]]) -> None:
    """Which chunks are new, which moved, which are gone."""
    for chunk in chunks:
        digest, (start, end) = chunk_digest(chunk), chunk.lines
        if kept := old.get(digest):
            stays = kept.pop(0)
            if (stays.start, stays.end) != (start, end):
                batch.moved.append({"chunk": stays.id, "first": start, "last": end})
            continue
        batch.chunks.append(
            (batch.next_chunk, file_id, chunk.kind.value, start, end, chunk.name, chunk.text, digest)
        )
        batch.texts.append((batch.next_chunk, chunk.text))
        batch.next_chunk += 1
    batch.removed += [each.id for left in old.values() for each in left]


def _note_symbols(batch: _Batch, file_id: int, outline: Outline) -> None:
    batch.definitions += [
        (file_id, each.name, each.qualified, each.kind.value, *each.lines, each.name_line, each.name_column,
         each.signature, each.docstring, each.body_line, each.name_prefix)
        for each in outline.definitions
    ]  # fmt: skip
    batch.references += [(file_id, *each) for each in outline.references]
    batch.imports += [
        (file_id, each.module, each.line, each.level, json.dumps(each.names), each.alias)
        for each in outline.imports
    ]


def _drop_chunks(connection: Connection, ids: Sequence[int]) -> None:
    LexicalIndex(connection).remove(ids)
    for some in portions(ids):
        connection.execute(delete(CHUNKS).where(CHUNKS.c.id.in_(some)))


def _insert(connection: Connection, table: Table, rows: list[Values]) -> None:
    """Hand the rows to SQLite as they are: dictionaries take SQLAlchemy longer than writing takes SQLite."""
    if rows:
        names = [column.name for column in table.c][-len(rows[0]) :]
        statement = insert(table).compile(dialect=connection.dialect, column_keys=names)
        connection.exec_driver_sql(str(statement), rows)
