"""Finding the running server, and starting one where there is none."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from assistant.cli import running
from assistant.cli.running import RunningServer, ensure_server, find_server, health, login_link, status
from assistant.presence import ServerRecord, claim, publish


def test_no_record_is_no_server(tmp_path: Path):
    assert find_server(tmp_path / "none") is None


def test_a_record_that_makes_no_sense_is_no_server(tmp_path: Path):
    (tmp_path / "server.json").write_text('{"url": 1')
    assert find_server(tmp_path) is None


def test_a_record_without_a_token_is_no_server(tmp_path: Path):
    with claim(tmp_path):
        record = {"url": "http://x", "pid": os.getpid(), "version": "0"}
        (tmp_path / "server.json").write_text(json.dumps(record))
        assert find_server(tmp_path) is None


def test_a_killed_servers_record_is_no_server_though_its_process_id_lives_again(tmp_path: Path):
    publish(tmp_path, ServerRecord("http://127.0.0.1:1", os.getpid(), "0"), token="t")
    assert find_server(tmp_path) is None


def test_a_record_is_read(tmp_path: Path):
    with claim(tmp_path):
        publish(tmp_path, ServerRecord("http://127.0.0.1:81/", os.getpid(), "0.1"), token="t")
        server = find_server(tmp_path)
    assert server == RunningServer("http://127.0.0.1:81", os.getpid(), "0.1", "t")
    assert server.socket_url == "ws://127.0.0.1:81/lsp"
    assert "t'" not in repr(server)


def test_nobody_there_is_no_answer(unused_tcp_port: int):
    server = RunningServer(f"http://127.0.0.1:{unused_tcp_port}", 1, "0", "t")
    assert health(server) is None
    assert status(server) is None
    assert login_link(server) is None


def test_the_real_server_answers(shared):
    server = find_server(shared.home.state)
    assert server
    told = health(server)
    assert told
    assert told["state"] == "ready"
    assert (status(server) or {})["device"] == "cpu"
    assert (login_link(server) or "").startswith(server.url)
    assert status(RunningServer(server.url, server.pid, "0", "wrong")) is None


@pytest.fixture
def own_environment(home, monkeypatch: pytest.MonkeyPatch):
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def started(own_environment, monkeypatch: pytest.MonkeyPatch):
    """The servers that `ensure_server` started; they end with the test."""
    processes: list[subprocess.Popen[bytes]] = []
    start = running._start

    def start_and_keep(*arguments) -> subprocess.Popen[bytes]:
        processes.append(start(*arguments))
        return processes[-1]

    monkeypatch.setattr(running, "_start", start_and_keep)
    yield processes
    for process in processes:
        process.terminate()
        process.wait(20)


def test_two_at_once_start_one_server_whatever_a_killed_one_left(
    own_environment, started, unused_tcp_port: int
):
    state = own_environment.state
    state.mkdir()
    stale = ServerRecord(f"http://127.0.0.1:{unused_tcp_port}", os.getpid(), "0")
    publish(state, stale, token="t")
    log = running.log_file(state)
    log.touch(0o644)
    found: list[RunningServer] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_server(state))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [server.pid for server in found] == [started[0].pid] * 2
    assert len(started) == 1
    assert log.stat().st_mode & 0o077 == 0
    assert "listens on" in log.read_text()
    assert "code=" not in log.read_text()
