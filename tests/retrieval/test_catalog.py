"""The catalogue's file: made, kept, made anew."""

import sqlite3

import pytest
from sqlalchemy import text

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.errors import CorruptIndex
from retrieval.rows import put_meta


@pytest.fixture
def catalog(tmp_path):
    made = Catalog(tmp_path / "a" / "catalog.sqlite")
    made.prepare()
    yield made
    made.close()


def test_it_is_made_once_and_kept(catalog):
    with catalog.writing() as connection:
        put_meta(connection, "k", "v")
    again = Catalog(catalog.path)
    assert not again.prepare()
    with again.reading() as connection:
        assert lookups.meta(connection, "k") == "v"
    again.close()


def test_a_failed_write_leaves_nothing(catalog):
    with pytest.raises(RuntimeError), catalog.writing() as connection:
        put_meta(connection, "k", "v")
        raise RuntimeError
    with catalog.reading() as connection:
        assert lookups.meta(connection, "k") is None


def test_a_reader_keeps_the_state_it_began_with(catalog):
    with catalog.reading() as reader:
        assert lookups.meta(reader, "k") is None
        with catalog.writing() as writer:
            put_meta(writer, "k", "v")
        assert lookups.meta(reader, "k") is None
    with catalog.reading() as reader:
        assert lookups.meta(reader, "k") == "v"


def test_another_schema_is_made_anew_and_told(catalog, caplog):
    with catalog.writing() as connection:
        put_meta(connection, "k", "v")
        connection.execute(text("PRAGMA user_version = 999"))
    catalog.close()
    again = Catalog(catalog.path)
    assert again.prepare()
    assert "another version (999" in caplog.text
    with again.reading() as connection:
        assert lookups.meta(connection, "k") is None
    again.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read" * 100, b""])
def test_a_damaged_file_is_made_anew(catalog, content):
    catalog.close()
    for file in catalog.path.parent.iterdir():
        file.unlink()
    catalog.path.write_bytes(content)
    again = Catalog(catalog.path)
    assert again.prepare()
    with again.reading() as connection:
        assert lookups.counts(connection).files == 0
    again.close()


def test_damage_that_is_met_while_reading_is_ours(catalog):
    with sqlite3.connect(catalog.path) as file:
        file.execute("DROP TABLE files")
    file.close()
    with pytest.raises(CorruptIndex, match="damaged"), catalog.reading() as connection:
        lookups.held_files(connection)


def test_a_reader_follows_a_file_that_was_made_anew(catalog):
    other = Catalog(catalog.path)
    other.prepare()
    with other.reading() as connection:
        assert lookups.meta(connection, "k") is None
    catalog.rebuild()
    with catalog.writing() as connection:
        put_meta(connection, "k", "v")
    with other.reading() as connection:
        assert lookups.meta(connection, "k") == "v"
    other.close()


def test_a_whole_file_has_no_complaints(catalog):
    assert catalog.check() == []
