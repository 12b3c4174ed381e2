"""A JSON-RPC client over a process's standard input and output, for tests."""

import itertools
import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.cli.framing import FrameDecoder, encode


class StdioClient:
    """Requests and notifications; everything that comes in is kept in order in ``seen``."""

    def __init__(self, command: Sequence[str], *, env: dict[str, str], cwd: Path) -> None:
        self.seen: list[dict[str, Any]] = []
        self.patience_s = 120.0
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._ids = itertools.count(1)
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        decoder = FrameDecoder()
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            with self._news:
                self.seen += (json.loads(message) for message in decoder.feed(data))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> int:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        return number

    def answer(self, number: int) -> dict[str, Any]:
        return self.find(lambda message: message.get("id") == number and "method" not in message)

    def request(self, method: str, params: Any) -> Any:
        message = self.answer(self.ask(method, params))
        assert "error" not in message, message
        return message["result"]

    def find(self, fits: Callable[[dict[str, Any]], bool], *, after: int = 0) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next((message for message in self.seen[after:] if fits(message)), None)

        with self._news:
            assert self._news.wait_for(lambda: found() is not None or self._ended, self.patience_s), self.seen
            message = found()
        assert message is not None, (self.seen, self._ended)
        return message

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(encode(json.dumps({"jsonrpc": "2.0", **message})))
        self.process.stdin.flush()

    def end(self) -> int:
        """Closes standard input; the exit code."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(self.patience_s)

    def leave(self) -> int:
        """Says ``shutdown`` and ``exit`` and keeps standard input open; the exit code."""
        assert self.request("shutdown", None) is None
        self.notify("exit", None)
        return self.process.wait(self.patience_s)

    def errors(self) -> str:
        """What was written to standard error, once the process has ended."""
        assert self.process.stderr
        return self.process.stderr.read().decode()

    def close(self) -> None:
        """Ends the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
