"""An index for summaries: what it says, and that its troubles are nobody else's."""

from pathlib import Path

import pytest

from assistant.around import Around, own_index, shared_index
from assistant.workspaces import Workspaces
from completion.summaries.wanted import Surroundings
from retrieval.index import RepositoryIndex
from tests.retrieval.repositories import config_in, make_repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


def says_what_is_around(index: Surroundings | None) -> None:
    assert index
    names = [hit.definition.name for hit in index.callees("shop/cart.py", "checkout")]
    assert names == ["apply_discount"]
    assert list(index.neighbours("shop/cart.py").imports) == ["shop/money.py"]
    assert index.search("zebras", 1)[0].path == "README.md"
    outline = index.outline("shop/money.py")
    assert outline
    assert [each.name for each in outline.definitions if each.docstring] == ["Price", "apply_discount"]


async def test_an_index_of_its_own_is_brought_up_to_date(tmp_path: Path, root: Path) -> None:
    opened = own_index(config_in(tmp_path))
    async with opened(root) as index:
        says_what_is_around(index)
    (root / "shop/money.py").write_text("def owed():\n    pass\n")
    async with opened(root) as index:
        assert index
        outline = index.outline("shop/money.py")
        assert outline
        assert [each.name for each in outline.definitions] == ["owed"]


async def test_an_editors_index_is_waited_for_and_held_no_longer(tmp_path: Path, root: Path) -> None:
    workspaces = Workspaces(config_in(tmp_path))
    try:
        async with shared_index(workspaces)(root) as index:
            says_what_is_around(index)
            assert workspaces._holders[root] == 1
        assert workspaces._holders[root] == 0
    finally:
        await workspaces.close()


async def test_a_folder_that_is_no_repository_is_not_indexed(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    workspaces = Workspaces(config_in(tmp_path))
    for opened in (own_index(config_in(tmp_path)), shared_index(workspaces)):
        async with opened(tmp_path / "plain") as index:
            assert index is None
    assert not (tmp_path / "index").exists()
    assert await workspaces.describe() == []


async def test_a_folder_that_an_editor_opened_is_asked_whatever_it_is(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.py").write_text("def only():\n    pass\n")
    workspaces = Workspaces(config_in(tmp_path))
    try:
        workspaces.open(plain)
        async with shared_index(workspaces)(plain) as index:
            assert index
            assert index.outline("a.py")
    finally:
        await workspaces.close()


async def test_indexing_may_be_switched_off(tmp_path: Path, root: Path) -> None:
    config = config_in(tmp_path, enabled=False)
    for opened in (own_index(config), shared_index(Workspaces(config))):
        async with opened(root) as index:
            assert index is None


def test_a_damaged_index_says_nothing(tmp_path: Path, root: Path) -> None:
    index = RepositoryIndex(root, config_in(tmp_path))
    index.refresh()
    around = Around(index)
    says_what_is_around(around)
    for file in index.folder.glob("catalog.sqlite*"):
        file.write_bytes(b"no database " * 1000)
    assert around.neighbours("../outside.py").imports == ()
    assert around.outline("../outside.py") is None
    assert list(around.search("zebras")) == []
    assert list(around.callees("shop/cart.py", "checkout")) == []
    index.close()
