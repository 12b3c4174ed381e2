"""``splice lsp`` as an editor starts it: a process with pipes."""

import json
import os
import signal
import subprocess

import pytest

from assistant.cli.running import find_server, health
from tests.assistant.cli.conftest import PATIENCE_S, SPLICE, Home
from tests.assistant.stdio import StdioClient


@pytest.fixture
def editor(home: Home):
    client = StdioClient([*SPLICE, "lsp"], env=home.environment, cwd=home.root)
    yield client
    client.close()
    server = find_server(home.state)
    if server is not None:
        os.kill(server.pid, signal.SIGTERM)


def test_it_starts_a_server_and_leaves_it_running(home: Home, editor: StdioClient):
    result = editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert result["serverInfo"]["name"] == "splice"
    editor.notify("initialized", {})
    uri = "file:///work/a.py"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "def f(n):\n    "}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    place = {"line": 1, "character": 4}
    context = {"triggerKind": 1}
    found = editor.request(
        "textDocument/inlineCompletion",
        {"textDocument": {"uri": uri}, "position": place, "context": context},
    )
    assert isinstance(found["items"], list)
    assert editor.end() == 0
    assert editor.errors() == ""
    server = find_server(home.state)
    assert server
    assert health(server)


def test_the_running_server_is_used(shared):
    before = find_server(shared.home.state)
    client = StdioClient([*SPLICE, "lsp"], env=shared.home.environment, cwd=shared.home.root)
    try:
        client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        assert client.leave() == 0
        assert client.errors() == ""
    finally:
        client.close()
    assert find_server(shared.home.state) == before


def test_a_server_that_cannot_start_is_one_sentence_on_standard_error(home: Home):
    config = home.root / "settings.toml"
    config.write_text("[server]\nhost = '0.0.0.0'\n")
    result = home.run("lsp", "--config", str(config))
    assert result.returncode == 5
    assert result.stdout == ""
    assert "--token" in result.stderr
    assert result.stderr.count("\n") == 1


def test_garbage_on_standard_input_is_one_sentence(shared):
    result = subprocess.run(
        [*SPLICE, "lsp"],
        env=shared.home.environment,
        input=b"hello\r\n\r\n",
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=shared.home.root,
    )
    assert result.returncode == 1
    assert result.stdout == b""
    assert b"Content-Length" in result.stderr
    assert json.dumps(result.stderr.decode()).count("\\n") == 1
