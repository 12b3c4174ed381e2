"""The product as Neovim has it: ``splice lsp`` on stdio, which starts the server with the real 0.5B model."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.running import find_server
from tests.assistant.client import insert, replace
from tests.assistant.stdio import StdioClient
from tests.e2e.test_real_websocket import START, TYPED

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

URI = "file:///work/sums.py"
CANCELLED = -32800


@pytest.fixture
def editor(real_model: Path, tmp_path: Path) -> Iterator[StdioClient]:
    state = tmp_path / "state"
    environment = os.environ | {
        "SPLICE_SERVER__STATE_DIR": str(state),
        "SPLICE_SERVER__PORT": "0",
        "SPLICE_ENGINE__MODEL": "qwen2.5-coder-0.5b",
    }
    client = StdioClient([sys.executable, "-P", "-m", "assistant", "lsp"], env=environment, cwd=tmp_path)
    client.patience_s = 300.0
    yield client
    client.close()
    server = find_server(state)
    if server is not None:
        os.kill(server.pid, signal.SIGTERM)


def change(editor: StdioClient, version: int, edit: dict[str, Any]) -> None:
    document = {"uri": URI, "version": version}
    editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [edit]})


def question(line: int, character: int) -> dict[str, Any]:
    place = {"line": line, "character": character}
    return {"textDocument": {"uri": URI}, "position": place, "context": {"triggerKind": 1}}


def type_text(editor: StdioClient, text: str, line: int) -> tuple[int, int, int]:
    """One didChange a key; the cursor's line and character, and the version afterwards."""
    character, version = 0, 1
    for key in text:
        version += 1
        change(editor, version, insert(line, character, key))
        line, character = (line + 1, 0) if key == "\n" else (line, character + 1)
    return line, character, version


def test_thirty_edits_ask_cancel_ask_again_accept(editor: StdioClient):
    hello = {"processId": os.getpid(), "rootUri": None, "capabilities": {}}
    assert editor.request("initialize", hello)["capabilities"]["inlineCompletionProvider"] is True
    editor.notify("initialized", {})
    document = {"uri": URI, "languageId": "python", "version": 1, "text": START}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    line, character, version = type_text(editor, TYPED, START.count("\n"))
    assert version > 30

    asked = editor.ask("textDocument/inlineCompletion", question(line, character))
    editor.notify("$/cancelRequest", {"id": asked})
    assert editor.answer(asked)["error"]["code"] == CANCELLED

    (item,) = editor.request("textDocument/inlineCompletion", question(line, character))["items"]
    assert item["insertText"].startswith("otal(numbers)"), item
    assert item["splice"]["trace"]["model"] == "qwen2.5-coder-0.5b"

    change(editor, version + 1, replace((line, character), (line, character), item["insertText"]))
    command = {name: item["command"][name] for name in ("command", "arguments")}
    assert editor.request("workspace/executeCommand", command) is None

    assert editor.leave() == 0
    assert editor.errors() == ""
