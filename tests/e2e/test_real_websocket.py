"""The product as a user has it: ``splice serve`` with the real 0.5B model, and an editor's websocket."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from assistant.presence import find_record
from tests.assistant.client import Client, RpcError, connected, insert, replace

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

START = '''"""Small sums."""


def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result

'''
TYPED = "\ndef mean(numbers):\n    return t"
"""Thirty-two keystrokes."""


class Server(NamedTuple):
    url: str
    token: str
    process: subprocess.Popen[str]
    state: Path


@pytest.fixture(scope="module")
def server(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("state")
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "serve", "--port", "0", "--model", "qwen2.5-coder-0.5b"],
        env=os.environ | {"SPLICE_SERVER__STATE_DIR": str(state)},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = process.stdout.readline()
    record = find_record(state)
    assert record is not None, said + process.stdout.read()
    yield Server(record.url, (state / "token").read_text().strip(), process, state)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert list(state.iterdir()) == []


async def type_text(client: Client, text: str, line: int, *, version: int) -> tuple[int, int, int]:
    """One didChange a key; the cursor's line and character, and the version afterwards."""
    character = 0
    for key in text:
        version += 1
        await client.change(version, insert(line, character, key))
        line, character = (line + 1, 0) if key == "\n" else (line, character + 1)
    return line, character, version


async def test_thirty_edits_ask_cancel_ask_again_accept(server):
    async with connected(server.url, server.token) as client:
        client.patience_s = 300
        await client.initialize("utf-16")
        await client.open(START)
        line, character, version = await type_text(client, TYPED, START.count("\n"), version=1)

        asked = await client.ask_inline(line, character, kind=1)
        await client.send("$/cancelRequest", {"id": asked})
        with pytest.raises(RpcError, match="cancelled") as info:
            await client.answer(asked)
        assert info.value.code == -32800

        (item,) = await client.inline(line, character, kind=1)
        assert item["insertText"].startswith("otal(numbers)"), item
        trace = item["splice"]["trace"]
        assert trace["model"] == "qwen2.5-coder-0.5b"
        assert trace["generated"] > 0

        text = item["insertText"]
        await client.change(version + 1, replace((line, character), (line, character), text))
        command = item["command"]
        assert (
            await client.request(
                "workspace/executeCommand", {k: command[k] for k in ("command", "arguments")}
            )
            is None
        )


async def test_typing_along_and_back_with_the_real_model(server):
    async with connected(server.url, server.token) as client:
        client.patience_s = 300
        await client.initialize("utf-8")
        await client.open("def fibonacci(n):\n    ")
        (first,) = await client.inline(1, 4, partialResultToken="p")
        assert any(m.get("method") == "$/progress" for m in client.seen)
        key = first["insertText"][0]
        await client.change(2, insert(1, 4, key))
        (shorter,) = await client.inline(1, 5)
        await client.change(3, replace((1, 4), (1, 5), ""))
        (back,) = await client.inline(1, 4)
        assert shorter["insertText"] == first["insertText"][1:]
        assert back["insertText"] == first["insertText"]
        assert len([m for m in client.seen if m.get("method") == "splice/trace"]) == 1


async def test_a_keystroke_encodes_a_few_tokens(server):
    async with connected(server.url, server.token) as client:
        client.patience_s = 300
        await client.initialize()
        await client.open(START)
        line = START.count("\n")
        await client.inline(line, 0, kind=1)
        await client.change(2, insert(line, 0, "\ndef m"))
        await client.inline(line + 1, 5, kind=1)
        await client.change(3, insert(line + 1, 5, "@"))
        await client.ask_inline(line + 1, 6, kind=1)
        told = await client.find(lambda m: m.get("method") == "splice/trace" and m["params"]["version"] == 3)
        reuse = told["params"]["trace"]["reuse"]
        assert reuse["computed"] <= 4
        assert reuse["kept"] > 20
