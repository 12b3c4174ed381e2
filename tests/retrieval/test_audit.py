"""The audit sees each thing that can be wrong."""

import pytest

from retrieval.audit import audit
from retrieval.index import RepositoryIndex
from tests.retrieval.repositories import config_in, make_repository, write_files


@pytest.fixture
def index(tmp_path):
    root = make_repository(tmp_path / "shop")
    write_files(root, {"run": "#!/usr/bin/env python3\ndef go():\n    pass\n"})
    made = RepositoryIndex(root, config_in(tmp_path))
    made.refresh()
    yield made
    made.close()


def test_a_whole_index_has_no_complaints(index):
    assert audit(index) == []


def test_files_that_came_went_or_changed(index):
    (index.root / "README.md").unlink()
    write_files(index.root, {"new.py": "x = 1\n", "shop/money.py": "y = 2\n"})
    assert audit(index) == [
        "README.md is in the index, and should not be.",
        "new.py is not in the index.",
        "shop/money.py has changed since it was read.",
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM lexical WHERE rowid = 1", "1 pieces cannot be found by their words."),
        ("INSERT INTO lexical(rowid, terms) VALUES (999, 'x')",
         "The words of 1 pieces are kept that are not there any more."),
        ("UPDATE chunks SET start = start + 1 WHERE name = 'checkout'",
         "shop/cart.py is indexed wrongly: its pieces differ."),
        ("UPDATE definitions SET signature = '' WHERE name = 'go'",
         "run is indexed wrongly: its symbols differ."),
        ("DELETE FROM imports", "shop/cart.py is indexed wrongly: its symbols differ."),
        ("UPDATE uses SET is_call = 0 WHERE name = 'apply_discount'",
         "shop/cart.py is indexed wrongly: its symbols differ."),
    ],
)  # fmt: skip
def test_rows_that_say_something_else(index, statement, said):
    with index.catalog.writing() as connection:
        connection.exec_driver_sql(statement)
    assert audit(index) == [said]
