"""The process as a whole: starting, refusing to start, and leaving nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from assistant.errors import AlreadyRunning, BadSetting, PortInUse, PublicHostWithoutToken
from assistant.presence import find_record
from assistant.settings import Settings
from assistant.web.listener import listen
from assistant.wiring import base_url
from tests.assistant.client import inline
from tests.assistant.conftest import running_server, settings_for
from tests.waiting import stretched

SERVE = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
from assistant.wiring import run_server
from tests.assistant.conftest import settings_for
from completion.config import CompletionConfig
settings = settings_for(Path(sys.argv[1]), Path(sys.argv[2]))
endless = CompletionConfig(
    max_tokens=3000, single_line_tokens=3000, time_budget_s=60.0, prefix_chars=2_000, suffix_chars=500
)
settings = replace(settings, completion=endless)
asyncio.run(run_server(settings, on_ready=lambda *urls: print(*urls, flush=True)))
sys.stderr.flush()
os._exit(0)  # as the command does: taking torch down with the interpreter takes longer than stopping
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


async def refuses(settings: Settings, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        async with running_server(settings):
            pass


async def test_while_it_runs_it_can_be_found(state, tiny_model_dir):
    async with running_server(settings_for(state, tiny_model_dir)) as running:
        record = find_record(state)
        assert record is not None
        assert (record.url, record.pid) == (running.url, os.getpid())
        assert running.login_url.startswith(f"{running.url}/login?code=")
        assert running.token not in running.login_url
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{running.url}/health")).json()["state"] in {"loading", "ready"}
    assert list(state.iterdir()) == []


async def test_every_start_has_a_fresh_token(state):
    tokens = set()
    for _ in range(2):
        async with running_server(settings_for(state)) as running:
            tokens.add(running.token)
    assert len(tokens) == 2


async def test_a_chosen_token(state):
    token = "a chosen token of mine"
    async with running_server(settings_for(state, token=token)) as running:
        assert running.token == token


async def test_a_second_server_says_where_the_first_one_is(state):
    async with running_server(settings_for(state)) as first:
        await refuses(settings_for(state), AlreadyRunning, first.url)
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{first.url}/health")).status_code == 200
        assert find_record(state) is not None


async def test_a_port_in_use(state):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        await refuses(settings_for(state, port=port), PortInUse, f"port {port}.*--port 0")
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7"])
async def test_a_public_host_needs_a_chosen_token(state, host):
    await refuses(settings_for(state, host=host), PublicHostWithoutToken, "--token")
    assert not state.exists()


async def test_a_public_host_with_a_token_still_checks_names(state):
    async with running_server(settings_for(state, host="0.0.0.0", token="long enough a token")) as running:
        assert running.url == f"http://127.0.0.1:{running.port}"
        async with httpx.AsyncClient() as http:
            good = await http.get(f"{running.url}/health")
            bad = await http.get(f"{running.url}/health", headers={"Host": "evil.example"})
        assert (good.status_code, bad.status_code) == (200, 403)


async def test_a_short_token_is_refused(state):
    await refuses(settings_for(state, token="short"), BadSetting, "too short")


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:5"), ("::1", "http://[::1]:5"), ("0.0.0.0", "http://127.0.0.1:5")],
)
def test_addresses(host, url):
    assert base_url(host, 5) == url


class Process:
    """A server in a process of its own."""

    def __init__(self, state: Path, model: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVE, str(state), str(model)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.url, self.login_url = self.process.stdout.readline().split()
        self.token = (state / "token").read_text().strip()

    def stop(self, number: int) -> tuple[float, int, str]:
        """Seconds until it ended, exit code, and what it said."""
        began = time.perf_counter()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return time.perf_counter() - began, self.process.returncode, errors


@pytest.fixture
def process(state, tiny_model_dir):
    process = Process(state, tiny_model_dir)
    yield process
    process.process.kill()
    process.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_a_websocket_open_and_a_job_running(process, state, number):
    address = process.url.replace("http", "ws") + "/lsp"
    with connect(address, additional_headers={"Authorization": f"Bearer {process.token}"}) as socket:
        for number_, (method, params) in enumerate(
            [
                ("initialize", {"capabilities": {}}),
                ("textDocument/didOpen", {"textDocument": document("a = 1\n")}),
                ("textDocument/inlineCompletion", inline(1, 0, partialResultToken="p")),
            ]
        ):
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            socket.send(json.dumps(message | ({} if method.endswith("didOpen") else {"id": number_})))
        while json.loads(socket.recv(timeout=60)).get("method") != "$/progress":
            pass
        seconds, code, errors = process.stop(number)
    assert seconds < stretched(1.0)
    assert (code, errors) == (0, "")
    assert list(state.iterdir()) == []


def document(text: str) -> dict[str, object]:
    return {"uri": "file:///work/a.py", "languageId": "python", "version": 1, "text": text}


def test_a_killed_server_does_not_stop_the_next_one(process, state, tiny_model_dir):
    process.stop(signal.SIGKILL)
    assert find_record(state) is not None
    second = Process(state, tiny_model_dir)
    assert second.url != process.url
    assert second.token != process.token
    assert second.stop(signal.SIGTERM)[1] == 0


def test_settings_are_not_changed_by_a_run():
    settings = settings_for(Path("/nowhere"))
    assert replace(settings) == settings
