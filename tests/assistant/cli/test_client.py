"""The small LSP client, against the real server and against one that misbehaves."""

import json
from pathlib import Path

import pytest

from assistant.cli.client import Answer, ask_server
from assistant.cli.errors import BridgeError
from assistant.cli.place import Place
from assistant.cli.running import RunningServer, find_server
from tests.assistant.cli.test_bridge import TOKEN, serving

HERE = Place(Path("a.py"), 1, 3)


def script(result: object):
    """A server that answers the question with ``result`` and everything else with an empty object."""

    async def handler(connection) -> None:
        async for text in connection:
            message = json.loads(text)
            if "id" not in message:
                continue
            await connection.send(json.dumps({"jsonrpc": "2.0", "method": "splice/status", "params": {}}))
            answer = {"result": {}}
            if message["method"] == "textDocument/inlineCompletion":
                answer = result
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}))

    return handler


def ask(result: object) -> Answer:
    with serving(script(result)) as address:
        url = address.socket_url.replace("ws://", "http://").removesuffix("/lsp")
        return ask_server(RunningServer(url, 1, "0", TOKEN), HERE, "x = ")


def test_the_first_item_is_the_answer():
    items = [{"insertText": "1\n", "splice": {"id": "1", "trace": {"generated": 2}}}, {"insertText": "2"}]
    assert ask({"result": {"items": items}}) == Answer("1\n", {"generated": 2})


@pytest.mark.parametrize("nothing", [None, {"items": []}])
def test_no_item_is_an_empty_text(nothing: object):
    assert ask({"result": nothing}) == Answer("", None)


def test_a_question_says_how_the_cache_may_be_used_only_when_told_to():
    asked: list[dict[str, object]] = []

    async def handler(connection) -> None:
        async for text in connection:
            message = json.loads(text)
            if message["method"] == "textDocument/inlineCompletion":
                asked.append(message["params"])
            if "id" in message:
                await connection.send(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": None}))

    with serving(handler) as address:
        url = address.socket_url.replace("ws://", "http://").removesuffix("/lsp")
        for reuse in (None, "exact"):
            ask_server(RunningServer(url, 1, "0", TOKEN), HERE, "x = ", reuse=reuse)
    assert "splice" not in asked[0]
    assert asked[1]["splice"] == {"reuse": "exact"}


def test_an_error_is_told_in_the_servers_words():
    with pytest.raises(BridgeError, match="too large"):
        ask({"error": {"code": -32032, "message": "The document is too large."}})


def test_an_answer_that_makes_no_sense_is_told():
    with pytest.raises(BridgeError, match="cannot be read"):
        ask({"result": {"items": [{"insertText": 5}]}})


def test_a_server_that_hangs_up_is_told():
    async def handler(connection) -> None:
        await connection.recv()

    with serving(handler) as address:
        url = address.socket_url.replace("ws://", "http://").removesuffix("/lsp")
        with pytest.raises(BridgeError, match="closed the connection"):
            ask_server(RunningServer(url, 1, "0", TOKEN), HERE, "x = ")


def test_the_real_server_answers(shared, tmp_path: Path):
    server = find_server(shared.home.state)
    assert server
    answer = ask_server(server, Place(tmp_path / "a.py", 1, 3), "x = ")
    assert answer.trace is None or answer.trace["device"] == "cpu"
