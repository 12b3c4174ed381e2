"""Where the names at a cursor are defined."""

import pytest

from retrieval.index import RepositoryIndex
from retrieval.scope import InScope, definitions_in_scope, smallest_around
from tests.retrieval.repositories import FILES, config_in, make_repository

OTHER = "def apply_discount(price):\n    pass\n\n\ndef lonely():\n    pass\n"


@pytest.fixture
def index(tmp_path):
    made = RepositoryIndex(
        make_repository(tmp_path / "shop", FILES | {"other.py": OTHER}), config_in(tmp_path)
    )
    made.refresh()
    yield made
    made.close()


def in_scope(index: RepositoryIndex, path: str, *names: str) -> list[InScope]:
    return index.read(lambda now: definitions_in_scope(now, path, names))


def test_imports_lead_to_files_and_names(index):
    found = {(each.name, each.chunk.path): each for each in in_scope(index, "shop/cart.py", "apply_discount")}
    assert set(found) == {
        ("apply_discount", "shop/money.py"),
        ("apply_discount", "other.py"),
        ("Price", "shop/money.py"),
    }
    imported = found["apply_discount", "shop/money.py"]
    assert (imported.imported, imported.named, imported.files) == (True, False, 2)
    assert imported.chunk.chunk.name == "apply_discount"
    assert not found["apply_discount", "other.py"].imported
    assert found["Price", "shop/money.py"].named


def test_never_the_file_itself(index):
    assert [each.name for each in in_scope(index, "other.py", "lonely", "checkout")] == ["checkout"]


def test_imports_of_an_unsaved_buffer_count(index):
    index.overlay("shop/cart.py", "from other import lonely\n")
    assert [(each.name, each.imported, each.named) for each in in_scope(index, "shop/cart.py", "lonely")] == [
        ("lonely", True, True)
    ]


def test_a_file_that_is_not_indexed_imports_nothing(index):
    assert [each.imported for each in in_scope(index, "new.py", "lonely")] == [False]


def test_a_common_name_tells_nothing(tmp_path):
    files = {f"m{number}.py": "def run():\n    pass\n" for number in range(21)}
    index = RepositoryIndex(make_repository(tmp_path / "many", files), config_in(tmp_path))
    index.refresh()
    assert in_scope(index, "x.py", "run") == []
    index.close()


def test_the_smallest_piece_around_a_line(index):
    chunks = index.chunks("shop/money.py")
    found = smallest_around(chunks, 6)
    assert found is not None
    assert found.chunk.name == "add_prices"
    assert smallest_around(chunks, 1_000) is None
