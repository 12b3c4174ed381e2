"""Watching real folders."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from retrieval.watch import Watcher
from tests.retrieval.repositories import write_files

_PATIENCE_S = 20.0


class Heard:
    """What a watcher told, in its thread."""

    def __init__(self) -> None:
        self.calls: list[frozenset[str]] = []
        self.threads: set[str] = set()
        self._news = threading.Condition()

    def __call__(self, paths: frozenset[str]) -> None:
        with self._news:
            self.calls.append(paths)
            self.threads.add(threading.current_thread().name)
            self._news.notify_all()

    def wait_for(self, *paths: Path) -> set[str]:
        """Everything told, as soon as ``paths`` are among it."""
        wanted = {str(path) for path in paths}
        with self._news:
            assert self._news.wait_for(lambda: wanted <= self.told(), _PATIENCE_S), self.told()
            return self.told()

    def told(self) -> set[str]:
        return set().union(*self.calls)


@pytest.fixture
def root(tmp_path):
    return write_files(tmp_path / "root", {"a.py": "1", "pkg/b.py": "1", ".git/HEAD": "1"})


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def watcher(root, heard):
    made = Watcher(root, heard)
    made.start()
    yield made
    made.stop()


def test_what_changes_right_after_the_start_is_told(tmp_path):
    """Many folders take a while to be watched; nothing that changes then is lost."""
    for turn in range(5):
        root = write_files(tmp_path / str(turn), {f"d{n}/e{n}/f.py": "1" for n in range(200)})
        heard = Heard()
        watcher = Watcher(root, heard)
        watcher.start()
        (root / "d199/e199/f.py").write_text("2")
        heard.wait_for(root / "d199/e199/f.py")
        watcher.stop()


@pytest.mark.usefixtures("watcher")
def test_saving_adding_renaming_and_removing(root, heard):
    (root / "a.py").write_text("2")
    (root / "new.py").write_text("1")
    heard.wait_for(root / "a.py", root / "new.py")
    (root / "new.py").rename(root / "newer.py")
    (root / "pkg/b.py").unlink()
    scratch = root / "a.py.tmp"  # as an editor saves
    scratch.write_text("3")
    scratch.replace(root / "a.py")
    heard.wait_for(root / "newer.py", root / "pkg/b.py", scratch)
    assert all(Path(path).is_absolute() for path in heard.told())
    assert heard.threads == {f"watch {root.name}"}


@pytest.mark.usefixtures("watcher")
def test_a_folder_that_comes_or_goes_is_told_and_so_is_what_changes_in_it(root, heard):
    shutil.copytree(root / "pkg", root / "copy/of/pkg")
    heard.wait_for(root / "copy")
    (root / "copy/of/pkg/b.py").write_text("2")
    heard.wait_for(root / "copy/of/pkg/b.py")
    shutil.rmtree(root / "copy")
    (root / "a.py").write_text("2")
    heard.wait_for(root / "a.py", root / "copy")


@pytest.mark.usefixtures("watcher")
def test_a_burst_is_told_whole_and_in_few_pieces(root, heard):
    files = [root / f"m{number}.py" for number in range(400)]
    for file in files:
        file.write_text("1")
    heard.wait_for(*files)
    assert len(heard.calls) < 40


@pytest.mark.usefixtures("watcher")
def test_what_nobody_reads_is_not_told(root, heard):
    write_files(root, {".git/HEAD": "2", "node_modules/x.js": "1", "pkg/__pycache__/b.pyc": "1"})
    (root / "last.py").write_text("1")
    told = heard.wait_for(root / "last.py")
    assert not [path for path in told if {".git", "node_modules", "__pycache__"} & {*Path(path).parts}]


@pytest.mark.usefixtures("watcher")
def test_a_name_that_is_not_utf8_does_not_end_the_watch(root, heard, caplog):
    """What changed beside it is not known, so the root is told."""
    (root / os.fsdecode(b"\xff.py")).write_text("1")
    heard.wait_for(root)
    (root / "a.py").write_text("2")
    heard.wait_for(root / "a.py")
    assert not caplog.records


def test_nothing_is_told_after_the_stop(root, heard, watcher):
    watcher.stop()
    before = list(heard.calls)
    (root / "a.py").write_text("2")
    other = Heard()
    again = Watcher(root, other)
    again.start()
    (root / "b.py").write_text("2")
    other.wait_for(root / "b.py")
    again.stop()
    assert heard.calls == before


def test_stopping_before_starting_and_twice_is_fine(root, heard):
    watcher = Watcher(root, heard)
    watcher.stop()
    watcher.start()
    watcher.stop()
    watcher.stop()
    assert heard.calls == []


def test_a_root_that_is_not_there_is_said_in_the_log(tmp_path, heard, caplog):
    watcher = Watcher(tmp_path / "absent", heard)
    watcher.start()
    watcher.stop()
    assert "are not seen any more" in caplog.text
    assert "`splice index`" in caplog.text


def test_who_listens_badly_is_not_called_again(root, caplog):
    called = threading.Event()

    def fail(paths: frozenset[str]) -> None:
        called.set()
        raise KeyError(*paths)

    watcher = Watcher(root, fail)
    watcher.start()
    (root / "a.py").write_text("2")
    assert called.wait(_PATIENCE_S)
    watcher.stop()
    assert "are not seen any more" in caplog.text
