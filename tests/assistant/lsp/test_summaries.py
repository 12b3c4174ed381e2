"""Summaries in an editor: real index, real socket, the tiny model."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.assistant.client import Client, RpcError, connected
from tests.assistant.conftest import running_server, settings_for
from tests.retrieval.repositories import config_in, make_repository

CART = "shop/cart.py"
TEXT = "class Täg:\n    def run(self):\n        return self.x\n\n\nÄÖ = 1\r\ndef f(): pass\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


@pytest.fixture
async def client(
    tmp_path: Path, tiny_model_dir: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = replace(settings_for(tmp_path / "state", tiny_model_dir), retrieval=config_in(tmp_path))
    async with running_server(settings) as running, connected(running.url, running.token) as made:
        folders = [{"uri": root.as_uri(), "name": "shop"}]
        told = await made.request("initialize", {"capabilities": {}, "workspaceFolders": folders})
        assert told["capabilities"]["executeCommandProvider"] == {
            "commands": ["splice.accept", "splice.summarize"]
        }
        assert told["capabilities"]["hoverProvider"] is True
        assert told["capabilities"]["codeLensProvider"] == {}
        await made.send("initialized", {})
        yield made


def asked(uri: str, **more: object) -> dict[str, object]:
    token = {"workDoneToken": more.pop("token")} if "token" in more else {}
    return {"command": "splice.summarize", "arguments": [{"uri": uri, **more}], **token}


def hover(uri: str, line: int, character: int) -> dict[str, object]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


async def test_a_lens_stands_over_each_function_and_class(client: Client, root: Path):
    uri = (root / "new.py").as_uri()
    await client.open(TEXT, uri=uri)
    lenses = await client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert [each["command"]["arguments"] for each in lenses] == [
        [{"uri": uri, "symbol": name}] for name in ("Täg", "Täg.run", "f")
    ]
    starts = [each["range"]["start"] for each in lenses]
    assert starts == [{"line": 0, "character": 6}, {"line": 1, "character": 8}, {"line": 6, "character": 4}]
    assert lenses[0]["range"]["end"] == {"line": 0, "character": 9}
    assert {each["command"]["title"] for each in lenses} == {"Summarise"}


async def test_the_lens_answers_with_progress_and_hover_remembers(client: Client, root: Path):
    uri = (root / CART).as_uri()
    text = (root / CART).read_text()
    await client.open(text, uri=uri)
    at = hover(uri, 10, 6)
    assert await client.request("textDocument/hover", at) is None
    command = asked(uri, symbol="checkout", token="t")
    made = await client.request("workspace/executeCommand", command)
    assert (made["level"], made["name"]) == ("function", "checkout")
    values = [each["params"]["value"] for each in client.seen if each.get("method") == "$/progress"]
    assert [values[0]["kind"], values[-1]["kind"]] == ["begin", "end"]
    assert values[1] == {"kind": "report", "message": "1 of 1: checkout", "percentage": 0}
    shown = await client.notified("window/showMessage")
    assert shown == {"type": 3, "message": f"checkout: {made['text']}"}
    found = await client.request("textDocument/hover", at)
    assert found == {"contents": {"kind": "markdown", "value": made["text"]}}
    assert await client.request("textDocument/hover", hover(uri, 10, 0)) is None
    await client.change(2, {"text": text.replace("cart.total)", "cart.sum)")}, uri=uri)
    stale = await client.request("textDocument/hover", at)
    assert stale["contents"]["value"].startswith(made["text"])
    assert "Out of date" in stale["contents"]["value"]


async def test_a_summary_is_cancelled_like_any_request(client: Client, root: Path):
    (root / "long.py").write_text("def f():\n" + "    print('hello')\n" * 400)
    number = await client.ask("workspace/executeCommand", asked((root / "long.py").as_uri(), token=1))
    await client.find(lambda message: message.get("method") == "$/progress")
    await client.send("$/cancelRequest", {"id": number})
    with pytest.raises(RpcError) as raised:
        await client.answer(number)
    assert raised.value.code == -32800
    values = [each["params"]["value"] for each in client.seen if each.get("method") == "$/progress"]
    assert values[-1]["kind"] == "end"


async def test_a_quiet_wish_a_whole_folder_and_a_document_without_a_file(client: Client, root: Path):
    made = await client.request("workspace/executeCommand", asked(root.as_uri(), quiet=True))
    assert (made["level"], made["name"]) == ("repository", "shop")
    await client.open("def loose():\n    return 1\n", uri="untitled:loose.py")
    command = asked("untitled:loose.py", symbol="loose", quiet=True)
    assert (await client.request("workspace/executeCommand", command))["name"] == "loose"
    assert not [each for each in client.seen if each.get("method") == "window/showMessage"]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"command": "splice.summarize"}, "takes one argument"),
        ({"command": "splice.summarize", "arguments": ["x"]}, "do not fit"),
        ({"command": "splice.other"}, "there is `splice.accept`, `splice.summarize`"),
        (asked("untitled:closed"), "neither a file of this machine nor an open document"),
        (asked("file:///gone/gone.py"), "not a file"),
        (asked("untitled:closed", level="line"), "no level `line`"),
    ],
)
async def test_a_wrong_wish_is_one_sentence(client: Client, params: dict[str, object], sentence: str):
    with pytest.raises(RpcError, match=sentence):
        await client.request("workspace/executeCommand", params)


async def test_who_leaves_ends_the_work(
    tmp_path: Path, tiny_model_dir: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (root / "long.py").write_text("def f():\n" + "    print('hello')\n" * 400)
    settings = replace(settings_for(tmp_path / "state", tiny_model_dir), retrieval=config_in(tmp_path))
    async with running_server(settings) as running:
        async with connected(running.url, running.token) as client:
            await client.initialize()
            await client.ask("workspace/executeCommand", asked((root / "long.py").as_uri(), token=1))
            await client.find(lambda m: m.get("method") == "$/progress" and "message" in m["params"]["value"])
        async with connected(running.url, running.token) as client:
            await client.initialize()
            status = await client.notified("splice/status")
            while status["waiting"]:
                await asyncio.sleep(0.02)
                status = await client.notified("splice/status", after=len(client.seen))
    assert not (tmp_path / "cache/splice/summaries").exists()
