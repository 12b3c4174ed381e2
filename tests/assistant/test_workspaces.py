"""Folders of editors: indexed by themselves, followed, shared, and closed quickly."""

import time

import pytest

from assistant.wiring import open_embedder
from assistant.workspaces import Workspaces
from retrieval.errors import NoRepository
from tests.retrieval.repositories import config_in, make_repository
from tests.retrieval.sentence_model import make_sentence_model
from tests.waiting import stretched, until


@pytest.fixture
def root(tmp_path):
    return make_repository(tmp_path / "shop")


@pytest.fixture
async def workspaces(tmp_path):
    made = Workspaces(config_in(tmp_path))
    yield made
    await made.close()


async def ready(workspaces: Workspaces, root) -> None:
    folder = workspaces._folders[root]
    await until(lambda: folder.status().state == "ready")


async def names(workspaces: Workspaces, root, typed: str) -> list[str]:
    return [hit.definition.name for _, hit in await workspaces.symbols([root], typed, 10)]


async def test_a_folder_is_indexed_by_itself_and_followed(workspaces, root):
    held = workspaces.open(root)
    assert held == root
    await ready(workspaces, root)
    assert await names(workspaces, root, "ShoppingCart") == ["ShoppingCart"]
    (status,) = await workspaces.describe()
    assert (status["files"], status["state"], status["detail"]) == (4, "ready", "")
    index = workspaces._folders[root].index
    saved = time.monotonic()
    (root / "shop/money.py").write_text("def refund_everything():\n    pass\n")
    await until(lambda: index.definitions("refund_everything"))
    assert time.monotonic() - saved < stretched(2.0)
    assert index.definitions("apply_discount") == []


async def test_a_buffer_is_searchable_until_it_is_closed(workspaces, root):
    workspaces.open(root)
    await ready(workspaces, root)
    index = workspaces._folders[root].index
    workspaces.show(root / "shop/money.py", "def unsaved_thing():\n    pass\n")
    await until(lambda: index.definitions("unsaved_thing"))
    workspaces.hide(root / "shop/money.py")
    await until(lambda: index.definitions("apply_discount"))


async def test_a_folder_is_shared_and_closed_within_a_second(workspaces, root):
    assert workspaces.open(root) == workspaces.open(root)
    assert len(workspaces._folders) == 1
    started = time.monotonic()
    await workspaces.close()
    assert time.monotonic() - started < stretched(1.0)


async def test_what_is_not_open_is_said(workspaces, root, tmp_path):
    assert workspaces.open(tmp_path / "nothing") is None
    with pytest.raises(NoRepository, match="No folder is open"):
        await workspaces.search("x", None, 3)
    workspaces.open(root)
    with pytest.raises(NoRepository, match="not open"):
        await workspaces.search("x", str(tmp_path), 3)


async def test_what_embeds_is_made_elsewhere_and_then_used(root, tmp_path):
    model = make_sentence_model(tmp_path / "embedder")
    config = config_in(tmp_path, embedder=f"static:{model}")
    workspaces = Workspaces(config, lambda: open_embedder(config))
    assert open_embedder(config) is None
    workspaces.open(root)
    await ready(workspaces, root)
    (status,) = await workspaces.describe()
    assert status["embedded"] == status["chunks"] > 0
    ((_, best),) = await workspaces.search("take the voucher off", None, 1)
    assert "dense" in best.parts
    (root / "shop/gift.py").write_text("def wrap_as_present():\n    pass\n")
    index = workspaces._folders[root].index
    await until(lambda: index.definitions("wrap_as_present"))
    await until(lambda: index.status().embedded == index.status().chunks)
    await workspaces.close()


async def test_what_cannot_embed_leaves_words_and_symbols(root, tmp_path):
    config = config_in(tmp_path, embedder=str(tmp_path / "nothing"))
    workspaces = Workspaces(config, lambda: open_embedder(config))
    workspaces.open(root)
    await ready(workspaces, root)
    (status,) = await workspaces.describe()
    assert (status["files"], status["embedded"]) == (4, 0)
    assert status["detail"] == f"{tmp_path / 'nothing'} is no directory of an embedding model."
    ((_, best),) = await workspaces.search("voucher", None, 1)
    assert set(best.parts) == {"lexical"}
    await workspaces.close()
