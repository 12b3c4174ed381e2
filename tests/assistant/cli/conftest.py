"""``splice`` as a person runs it: real processes around the tiny model."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SPLICE = (sys.executable, "-P", "-m", "assistant")
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Home:
    """A user of its own: nothing outside ``root`` is read or written."""

    root: Path
    model: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SPLICE_")}
        own = {
            "HOME": str(self.root),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_STATE_HOME": str(self.root / "xdg-state"),
            "COLUMNS": "120",
            "SPLICE_SERVER__STATE_DIR": str(self.state),
            "SPLICE_SERVER__PORT": "0",
            "SPLICE_ENGINE__MODEL": str(self.model),
            "SPLICE_ENGINE__WEIGHTS": "float32",
            "SPLICE_ENGINE__THREADS": "1",
            "SPLICE_ENGINE__DEVICE": "cpu",
            "SPLICE_COMPLETION__MAX_TOKENS": "12",
        }
        return clean | own | self.settings

    def run(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SPLICE, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.root,
            **options,
        )


class Process:
    """``splice serve`` in the foreground of its own session; its lines are read as they come."""

    def __init__(self, home: Home, *arguments: str) -> None:
        self.home = home
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [*SPLICE, "serve", *arguments],
            env=home.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home.root,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def line_with(self, part: str) -> str:
        def found() -> str | None:
            return next((line for line in self.lines if part in line), None)

        with self._news:
            assert self._news.wait_for(lambda: found() or self.process.poll() is not None, PATIENCE_S)
        assert found(), self.lines
        return found() or ""

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        code = self.process.wait(PATIENCE_S)
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


@pytest.fixture
def home(tmp_path: Path, tiny_model_dir: Path) -> Home:
    return Home(tmp_path, tiny_model_dir)


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(home: Home, *arguments: str) -> Process:
        started.append(Process(home, *arguments))
        return started[-1]

    yield begin
    for process in started:
        process.end()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path) -> Iterator[Process]:
    """One server for all tests that only ask it; ready."""
    process = Process(Home(tmp_path_factory.mktemp("home"), tiny_model_dir))
    try:
        process.line_with("Ready")
        yield process
    finally:
        process.end()
