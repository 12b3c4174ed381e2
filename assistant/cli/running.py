"""Finds the server that runs for this user, and starts one where a command needs it."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from assistant.cli.errors import ServerNotStarted
from assistant.presence import TOKEN_FILE, find_record, is_claimed

HEALTH_TIMEOUT_S = 2.0
START_TIMEOUT_S = 60.0
POLL_S = 0.05


@dataclass(frozen=True)
class RunningServer:
    """Where a server listens, from its ``server.json``, and what opens its door."""

    url: str
    """``http://host:port``, without a slash at the end."""
    pid: int
    version: str
    token: str = field(repr=False)

    @property
    def socket_url(self) -> str:
        """Where LSP is spoken."""
        return "ws" + self.url.removeprefix("http") + "/lsp"


def find_server(state_dir: Path) -> RunningServer | None:
    """The server that lives and whose record lies in ``state_dir``; it may not answer yet."""
    record = find_record(state_dir) if is_claimed(state_dir) else None
    if record is None:
        return None
    try:
        token = (state_dir / TOKEN_FILE).read_text("utf-8").strip()
    except OSError:
        return None
    return RunningServer(record.url.rstrip("/"), record.pid, record.version, token)


def health(server: RunningServer) -> dict[str, object] | None:
    """What ``GET /health`` answers; None when nobody answers there."""
    return _ask(server, "GET", "/health")


def status(server: RunningServer) -> dict[str, object] | None:
    """What ``GET /status`` answers; None when nobody answers there."""
    return _ask(server, "GET", "/status")


def login_link(server: RunningServer) -> str | None:
    """A new one-time link to the playground; None when the server does not give one."""
    answer = _ask(server, "POST", "/login-code")
    return None if answer is None else f"{server.url}/login?code={answer['code']}"


def _ask(server: RunningServer, method: str, path: str) -> dict[str, object] | None:
    """The JSON object that the server answers; None when there is none. Goes past any proxy."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port or 80, timeout=HEALTH_TIMEOUT_S
    )
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {server.token}"})
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def ensure_server(state_dir: Path, options: Sequence[str] = ()) -> RunningServer:
    """The running server, started with ``splice serve OPTIONS`` if there is none.

    Two callers at once start one server. It is a process of its own, outlives the caller and writes to
    ``server.log`` in ``state_dir``. Returns when it answers, which is before its model is loaded.
    Raises ServerNotStarted.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(state_dir / "start.lock", timeout=START_TIMEOUT_S):
            process = None if find_server(state_dir) else _start(state_dir, options)
            return _wait(state_dir, process)
    except Timeout as error:
        raise ServerNotStarted("Another command has been starting the server for too long.") from error


def log_file(state_dir: Path) -> Path:
    """Where a server that was started by a command writes."""
    return state_dir / "server.log"


def _start(state_dir: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    # -P: a folder called `assistant` where the editor was started must not be taken for ours.
    command = [sys.executable, "-P", "-m", "assistant", "serve", "--no-link", *options]
    descriptor = os.open(log_file(state_dir), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # An older log may be open to others.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _wait(state_dir: Path, process: subprocess.Popen[bytes] | None) -> RunningServer:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        server = find_server(state_dir)
        if server is not None and health(server) is not None:
            return server
        if process is not None and process.poll() is not None:
            raise ServerNotStarted(f"The server could not be started: {_last_line(log_file(state_dir))}")
        time.sleep(POLL_S)
    raise ServerNotStarted(f"The server does not answer; its log is {log_file(state_dir)}.")


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return next((line.removeprefix("splice: ") for line in reversed(lines) if line), f"see {log}.")
