"""Indexing in another process: really another, that really ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from retrieval.audit import audit
from retrieval.errand import Errand
from retrieval.index import RepositoryIndex
from retrieval.indexing import Progress
from tests.retrieval.repositories import config_in, make_repository, write_files

TREE = Path(__file__).parents[2]
_PATIENCE_S = 60.0


class Heard:
    def __init__(self) -> None:
        self._news = threading.Condition()

    def __call__(self) -> None:
        with self._news:
            self._news.notify_all()

    def wait(self, until) -> None:
        with self._news:
            assert self._news.wait_for(until, _PATIENCE_S)


@pytest.fixture
def root(tmp_path):
    return make_repository(tmp_path / "shop")


def many(root, count=3_000):
    write_files(root, {f"m{number:04}.py": f"def f{number}():\n    pass\n" for number in range(count)})


def test_it_indexes_and_tells(root, tmp_path):
    heard, config = Heard(), config_in(tmp_path)
    errand = Errand(root, config, on_news=heard)
    heard.wait(lambda: errand.is_done)
    assert (errand.error, errand.progress) == ("", Progress("reading", 4, 4))
    index = RepositoryIndex(root, config)
    assert (audit(index), index.status().files) == ([], 4)
    index.close()


def test_what_goes_wrong_is_one_sentence(tmp_path):
    heard = Heard()
    errand = Errand(tmp_path / "absent", config_in(tmp_path), on_news=heard)
    heard.wait(lambda: errand.is_done)
    assert errand.error.endswith("is no folder that can be indexed.")


def test_stopping_is_no_error_and_what_was_written_stays(root, tmp_path):
    many(root)
    heard, config = Heard(), config_in(tmp_path)
    errand = Errand(root, config, on_news=heard)
    heard.wait(lambda: errand.is_done or (errand.progress is not None and errand.progress.done > 0))
    errand.stop()
    assert (errand.is_done, errand.error) == (True, "")
    index = RepositoryIndex(root, config)
    before = index.status().files
    assert 0 < before < 3_004
    assert index.refresh().unchanged == before
    assert audit(index) == []
    index.close()


def test_killed_by_somebody_else_is_an_error(root, tmp_path):
    heard = Heard()
    errand = Errand(root, config_in(tmp_path), on_news=heard)
    os.kill(errand._process.pid, signal.SIGKILL)
    heard.wait(lambda: errand.is_done)
    assert "`splice index` says why" in errand.error


def test_it_ends_with_whoever_asked_even_before_it_began(root, tmp_path):
    """The parent is gone before the process has read a line of our code."""
    many(root)
    script = (
        "import os, sys; from pathlib import Path; from retrieval.config import RetrievalConfig\n"
        "from retrieval.errand import Errand\n"
        "e = Errand(Path(sys.argv[1]), RetrievalConfig(index_dir=Path(sys.argv[2])), on_news=lambda: None)\n"
        "import time\n"
        "while not e._process.stdin.closed: time.sleep(0.001)\n"
        "print(e._process.pid, flush=True); os._exit(0)\n"
    )
    config = config_in(tmp_path)
    told = subprocess.run(
        [sys.executable, "-c", script, str(root), str(config.index_dir)],
        cwd=TREE, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    deadline = time.monotonic() + _PATIENCE_S
    while Path(f"/proc/{int(told)}/status").exists() and "zombie" not in _status(int(told)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    index = RepositoryIndex(root, config)
    assert index.status().files < 3_004
    index.close()


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "zombie"
