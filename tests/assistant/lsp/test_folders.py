"""Workspace folders over LSP and the web: real index, real socket."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from assistant.lsp.folders import Folders, path_of
from assistant.lsp.messages import Folder, Initialize, SymbolQuery
from assistant.lsp.positions import PositionEncoding
from assistant.workspaces import Workspaces
from tests.assistant.client import connected
from tests.assistant.conftest import running_server, settings_for
from tests.retrieval.repositories import config_in, make_repository
from tests.waiting import until


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.py", "/a/b c.py"),
        ("file://localhost/a", "/a"),
        ("file://other/a", None),
        ("untitled:1", None),
        ("file:///a%00b", None),
    ],
)
def test_paths_of_uris(uri, path):
    found = path_of(uri)
    assert (None if found is None else str(found)) == path


@asynccontextmanager
async def looking_at(root, settings):
    """A server, an editor that has opened ``root``, and a browser, once the folder is indexed."""
    async with running_server(settings) as running, connected(running.url, running.token) as client:
        folders = [{"uri": root.as_uri(), "name": "shop"}]
        await client.request("initialize", {"capabilities": {}, "workspaceFolders": folders})
        await client.send("initialized", {})
        headers = {"Authorization": f"Bearer {running.token}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as web:
            while (await web.get("/workspaces")).json()["workspaces"][0]["state"] != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            yield running, client, web


async def test_definitions_of_the_workspace_stand_in_front_of_a_completion(tmp_path, tiny_model_dir):
    root = make_repository(tmp_path / "shop")
    retrieval = replace(config_in(tmp_path), context_ms=30_000.0)
    settings = replace(settings_for(tmp_path / "state", tiny_model_dir), retrieval=retrieval)
    async with looking_at(root, settings) as (_, client, _web):
        document = {"uri": (root / "shop/new.py").as_uri(), "languageId": "python", "version": 1}
        text = "from shop.money import Price\n\n\ndef pay(price):\n    apply_discount("
        await client.send("textDocument/didOpen", {"textDocument": document | {"text": text}})
        await client.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": document["uri"]},
                "position": {"line": 4, "character": 19},
                "context": {"triggerKind": 1},
            },
        )
        trace = await client.notified("splice/trace")
    pieces = [(piece["path"], piece["firstLine"]) for piece in trace["trace"]["context"]]
    assert ("shop/money.py", 11) in pieces
    assert "shop/new.py" not in dict(pieces)


@pytest.mark.parametrize(
    ("encoding", "character", "end"),
    [(PositionEncoding.UTF8, 17, 24), (PositionEncoding.UTF16, 15, 19), (PositionEncoding.UTF32, 14, 17)],
)
async def test_the_range_of_a_symbol_counts_what_the_client_counts(tmp_path, encoding, character, end):
    root = make_repository(tmp_path / "shop", {"a.js": "const 𝒳 = 10, b𝒴é = 2;\n"})
    workspaces = Workspaces(config_in(tmp_path))
    folders = Folders(workspaces)
    folders.begin(Initialize(workspace_folders=[Folder(root.as_uri())]), encoding)
    await until(lambda: workspaces._folders[root].status().state == "ready")
    (symbol,) = await folders.symbols(SymbolQuery("b𝒴é"))
    folders.close([])
    await workspaces.close()
    assert symbol["location"]["range"] == {
        "start": {"line": 0, "character": character},
        "end": {"line": 0, "character": end},
    }


async def test_a_workspace_is_searched_by_lsp_and_http(tmp_path, tiny_model_dir):
    root = make_repository(tmp_path / "shop")
    settings = replace(settings_for(tmp_path / "state", tiny_model_dir), retrieval=config_in(tmp_path))
    async with looking_at(root, settings) as (running, client, web):
        symbols = await client.request("workspace/symbol", {"query": "ShopC"})
        assert [each["name"] for each in symbols] == ["ShoppingCart"]
        assert symbols[0]["location"]["uri"] == (root / "shop/cart.py").as_uri()
        results = (await web.get("/search", params={"q": "zebras", "k": 2})).json()["results"]
        assert results[0]["path"] == "README.md"
        assert (await web.get("/status")).json()["workspaces"][0]["files"] == 4
        assert (await web.get("/search", params={"q": ""})).status_code == 400
        async with httpx.AsyncClient(base_url=running.url) as stranger:
            assert (await stranger.get("/search?q=x")).status_code == 401
            assert (await stranger.get("/workspaces")).status_code == 401
