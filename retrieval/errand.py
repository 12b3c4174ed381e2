"""Indexing in a process of its own, so that nobody who types waits for it: neither its lock nor its cores.

``python -m retrieval.errand`` reads one JSON object from standard input, indexes with the lowest priority,
and writes its progress to standard output, one JSON object a line. It ends when whoever started it is gone.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from retrieval.config import RetrievalConfig
from retrieval.errors import RetrievalError
from retrieval.index import RepositoryIndex
from retrieval.indexing import Progress
from retrieval.opening import open_embedder

_LOWEST = 19


class Errand:
    """One indexing run that goes on elsewhere."""

    def __init__(self, root: Path, config: RetrievalConfig, *, on_news: Callable[[], None]) -> None:
        """Start it. ``on_news`` is called, in another thread, when ``progress`` or ``is_done`` changed."""
        self._on_news = on_news
        self.progress: Progress | None = None
        self.error = ""
        """One sentence, when it ended badly."""
        self.is_done = False
        self._is_stopped = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "retrieval.errand"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[1],  # so that it is this package that runs there
            start_new_session=True,
        )
        self._reader = threading.Thread(
            target=self._follow, args=(_asked(root, config),), name="errand", daemon=True
        )
        self._reader.start()

    def stop(self) -> None:
        """End it now; what it has written stays."""
        self._is_stopped = True
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _follow(self, asked: str) -> None:
        with self._process as process:
            given, said = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
            with contextlib.suppress(BrokenPipeError):
                given.write(asked)
                given.close()
            for line in said:
                self._hear(json.loads(line))
        if process.returncode != 0 and not self.error and not self._is_stopped:
            self.error = "Indexing ended without a word; `splice index` says why."
        self.is_done = True
        self._on_news()

    def _hear(self, message: dict[str, Any]) -> None:
        if "error" in message:
            self.error = message["error"]
        else:
            self.progress = Progress(**message)
        self._on_news()


def _asked(root: Path, config: RetrievalConfig) -> str:
    fields = dataclasses.asdict(config)
    if config.index_dir is not None:
        fields["index_dir"] = str(config.index_dir.resolve())
    return json.dumps({"root": str(root.resolve()), "config": fields, "parent": os.getpid()})


def main() -> int:
    """Do what standard input asks; the exit code."""
    os.nice(_LOWEST)
    asked = json.loads(sys.stdin.read())
    given = RetrievalConfig(**asked["config"])
    config = dataclasses.replace(given, index_dir=Path(given.index_dir) if given.index_dir else None)
    parent = asked["parent"]
    try:
        index = RepositoryIndex(Path(asked["root"]), config)
        index.refresh(_tell, lambda: os.getppid() != parent)
        embedder = open_embedder(config, on_made=lambda done, all_: _tell(Progress("preparing", done, all_)))
        if embedder is not None:
            index.use(embedder)
            index.embed(_tell, lambda: os.getppid() != parent)
        index.close()
    except RetrievalError as error:
        _write({"error": str(error)})
        return 1
    return 0


def _tell(progress: Progress) -> None:
    _write(progress._asdict())


def _write(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
