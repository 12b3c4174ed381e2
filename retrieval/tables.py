"""The tables of one repository's catalogue (SQLite).

Rows of a file go with it. A chunk keeps its id while its content stays in its file, so neither words nor
vectors of it are made anew when something else in the file changes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

SCHEMA = 2
"""Raised whenever a table, or what is written into one, changes; an index of another number is made anew."""

METADATA = MetaData()


def _of_file() -> Column[int]:
    return Column("file_id", ForeignKey("files.id", ondelete="CASCADE"), nullable=False, index=True)


META = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
FILES = Table(
    "files",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
    Column("language", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("broken", Boolean, nullable=False),
)
CHUNKS = Table(
    "chunks",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_file(),
    Column("kind", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", Text, nullable=False, index=True),
    sqlite_autoincrement=True,
)
DEFINITIONS = Table(
    "definitions",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_file(),
    Column("name", Text, nullable=False, index=True),
    Column("qualified", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("name_line", Integer, nullable=False),
    Column("name_column", Integer, nullable=False),
    Column("signature", Text, nullable=False),
    Column("docstring", Text, nullable=False),
    Column("body_line", Integer, nullable=False),
    Column("name_prefix", Text, nullable=False),
)
REFERENCES = Table(
    "uses",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_file(),
    Column("name", Text, nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("within", Text, nullable=False),
    Column("is_call", Boolean, nullable=False),
    Column("receiver", Text, nullable=False),
)
IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", Integer, primary_key=True),
    _of_file(),
    Column("module", Text, nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("names", Text, nullable=False),
    Column("alias", Text, nullable=False),
)
VECTORS = Table(
    "vectors",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)
"""By a chunk's content, so nothing that was embedded once is embedded again; float32, of one embedder."""

Index("ix_files_key", FILES.c.path, FILES.c.language, FILES.c.digest)
