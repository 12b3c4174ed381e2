"""``splice serve``: what it prints, how it stops, and how it refuses."""

import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from assistant.cli import serve
from assistant.cli.errors import BadFile
from assistant.cli.running import RunningServer
from assistant.cli.serve import read_token
from tests.assistant.cli.conftest import SPLICE
from tests.assistant.stdio import StdioClient

STOP_S = 3.0
"""A second is promised; a loaded test machine gets three."""


def test_it_tells_where_it_is_and_when_it_is_ready(home, start):
    server = start(home)
    address = server.line_with("listens on").rpartition(" ")[2]
    link = server.line_with("Playground: ").rpartition(" ")[2]
    assert link.startswith(f"{address}/login?code=")
    assert server.line_with("Ready after").endswith("on cpu (float32). Ctrl-C stops.")
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert answer.status == 200
    began = time.monotonic()
    server.interrupt()
    assert server.wait() == 0
    assert time.monotonic() - began < STOP_S
    assert not any("Traceback" in line for line in server.lines)
    assert_nothing_left(server, port=int(address.rpartition(":")[2]))


def assert_nothing_left(server, *, port: int) -> None:
    """No file, no process and no port of a server that was stopped."""
    assert not list(server.home.state.iterdir())
    session = ["ps", "-o", "pid=", "-s", str(server.process.pid)]
    assert not subprocess.run(session, capture_output=True, text=True, check=False).stdout.strip()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_stops_while_the_model_is_loaded(home, start):
    server = start(home)
    server.line_with("being loaded")
    began = time.monotonic()
    server.interrupt()
    assert server.wait() == 0
    assert time.monotonic() - began < STOP_S
    assert not list(home.state.iterdir())


def test_a_second_server_says_where_the_first_is(shared):
    address = shared.line_with("listens on").rpartition(" ")[2]
    second = shared.home.run("serve")
    assert second.returncode == 5
    assert address in second.stderr
    assert second.stderr.count("\n") == 1


def test_a_port_in_use_is_a_sentence(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = home.run("serve", "--port", str(port))
    assert result.returncode == 5
    assert f"port {port}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unknown_setting_stops_the_start_with_its_name(home):
    config = home.root / "settings.toml"
    config.write_text("[server]\nprot = 1\n")
    result = home.run("serve", "--config", str(config))
    assert result.returncode == 2
    assert "server.prot" in result.stderr
    assert "server.port" in result.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_stops_the_start(home):
    result = home.run("serve", "--device", "cuda")
    assert result.returncode == 3
    assert result.stderr == (
        "splice: The setting engine.device is cuda, but torch finds no CUDA device here.\n"
    )
    assert "listens on" not in result.stdout
    assert not home.state.exists()


def test_it_stops_by_itself_when_nobody_uses_it_and_tells_what_is_wrong_with_a_model(home, start):
    server = start(home, "--idle-exit", "0.2", "--model", str(home.root))
    assert server.wait() == 0
    assert "safetensors" in server.line_with("Completions do not work")
    assert "Nobody is connected any more." in server.lines


def test_an_editor_learns_why_a_model_failed_before_the_server_ends(home, start):
    server = start(home, "--idle-exit", "1800", "--model", str(home.root))
    server.line_with("Completions do not work")
    editor = StdioClient([*SPLICE, "lsp"], env=home.environment, cwd=home.root)
    try:
        editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        document = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "x = "}
        editor.notify("textDocument/didOpen", {"textDocument": document})
        place = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 4}}
        asked = editor.ask("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})
        assert "safetensors" in editor.answer(asked)["error"]["message"]
        assert editor.leave() == 0
    finally:
        editor.close()
    assert server.wait() == 0


async def test_nobody_is_let_down_while_connected(monkeypatch: pytest.MonkeyPatch):
    answers: list[dict[str, object] | None] = [{"connections": 1}, None, {"connections": 2}]
    monkeypatch.setattr(serve, "status", lambda _: answers.pop(0) if answers else {"connections": 0})
    for pause in ("LOADING_POLL_S", "IDLE_POLL_S"):
        monkeypatch.setattr(serve, pause, 0.0)
    await serve._until_idle(RunningServer("http://x", 1, "0", "t"), 0.0)
    assert not answers


def test_a_server_that_writes_a_log_gives_no_link(home, start):
    server = start(home, "--no-link")
    assert "splice doctor" in server.line_with("Playground: ")
    server.line_with("Ready after")
    assert not any("code=" in line for line in server.lines)


def test_the_token_is_read_from_a_file(tmp_path: Path):
    path = tmp_path / "token"
    path.write_text("a-token-of-my-own\n")
    assert read_token(path) == "a-token-of-my-own"
    with pytest.raises(BadFile, match="cannot be read"):
        read_token(tmp_path / "none")
