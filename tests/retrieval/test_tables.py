"""The tables as SQLite has them."""

import hashlib
import sqlite3

import pytest
from sqlalchemy import create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from retrieval.catalog import Catalog
from retrieval.tables import CHUNKS, FILES, METADATA, SCHEMA

LAYOUTS = {1: "622a5201e4efa00d", 2: "eb080a2096420a14"}
"""A digest of the tables by the number of their schema."""


@pytest.fixture
def file(tmp_path):
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.prepare()
    catalog.close()
    connection = sqlite3.connect(catalog.path)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


def layout() -> str:
    engine = create_engine("sqlite://")
    statements = [
        str(CreateTable(table).compile(engine)) for _, table in sorted(METADATA.tables.items())
    ] + sorted(
        str(CreateIndex(index).compile(engine))
        for table in METADATA.tables.values()
        for index in table.indexes
    )
    return hashlib.blake2b("\n".join(statements).encode(), digest_size=8).hexdigest()


def test_other_tables_have_another_number():
    """Whoever changes a table raises SCHEMA and writes the new digest down beside it."""
    assert layout() == LAYOUTS[SCHEMA]


def add_file(file: sqlite3.Connection, path: str) -> int:
    columns = "path, language, digest, size, mtime_ns, broken"
    made = file.execute(f"INSERT INTO files ({columns}) VALUES (?, 'python', 'd', 1, 1, 0)", (path,))
    return int(made.lastrowid or 0)


def add_chunk(file: sqlite3.Connection, file_id: int) -> int:
    columns = "file_id, kind, start, end, name, text, digest"
    made = file.execute(f"INSERT INTO chunks ({columns}) VALUES (?, 'lines', 0, 1, '', 'x', 'd')", (file_id,))
    return int(made.lastrowid or 0)


def test_rows_of_a_file_go_with_it(file):
    kept, gone = add_file(file, "a"), add_file(file, "b")
    for file_id in (kept, gone):
        add_chunk(file, file_id)
        file.execute(
            "INSERT INTO definitions (file_id, name, qualified, kind, start, end, name_line, name_column,"
            " signature, docstring, body_line, name_prefix)"
            " VALUES (?, 'f', 'f', 'function', 0, 1, 0, 0, '', '', 1, '')",
            (file_id,),
        )
        file.execute(
            "INSERT INTO uses (file_id, name, line, within, is_call, receiver) VALUES (?, 'f', 0, '', 1, '')",
            (file_id,),
        )
        file.execute(
            "INSERT INTO imports (file_id, module, line, level, names, alias)"
            " VALUES (?, 'm', 0, 0, '[]', '')",
            (file_id,),
        )
    file.execute("DELETE FROM files WHERE id = ?", (gone,))
    owned = [name for name, table in METADATA.tables.items() if "file_id" in table.columns]
    assert sorted(owned) == ["chunks", "definitions", "imports", "uses"]
    for name in owned:
        assert file.execute(f"SELECT file_id FROM {name}").fetchall() == [(kept,)]


def test_the_id_of_a_chunk_is_never_used_again(file):
    file_id = add_file(file, "a")
    first = [add_chunk(file, file_id) for _ in range(3)]
    file.execute("DELETE FROM chunks")
    assert add_chunk(file, file_id) > max(first)


def test_a_path_is_there_once_and_a_chunk_has_its_file(file):
    add_file(file, "a")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        add_file(file, "a")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        add_chunk(file, 999)


def test_times_are_kept_to_the_nanosecond(file):
    file_id = add_file(file, "a")
    for time in (-1, 2**62 + 1):
        file.execute("UPDATE files SET mtime_ns = ? WHERE id = ?", (time, file_id))
        assert file.execute("SELECT mtime_ns FROM files").fetchone() == (time,)


def test_what_is_looked_up_has_an_index():
    """By content, by file, and by the name of a file."""
    assert {index.columns.keys()[0] for index in CHUNKS.indexes} >= {"digest", "file_id"}
    assert FILES.c.path.unique
