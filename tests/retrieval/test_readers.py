"""Reading in other processes equals reading here."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest

from retrieval.config import RetrievalConfig
from retrieval.readers import read_batches
from retrieval.rows import Parsed
from retrieval.scan import Scanner
from tests.retrieval.repositories import write_files

TREE = Path(__file__).parents[2]
several = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")


@pytest.fixture
def scanner(tmp_path):
    files = {f"m{number:03}.py": f"def f{number}():\n    return {number}\n" for number in range(450)}
    return Scanner(
        write_files(tmp_path / "root", files | {"m100.py": "bin\0ary"}).resolve(), RetrievalConfig()
    )


def content(batches):
    return [
        [
            (each.path, each.outcome[1:] if isinstance(each.outcome, Parsed) else each.outcome)
            for each in batch
        ]
        for batch in batches
    ]


@several
def test_many_files_are_read_as_few_are_and_in_order(scanner):
    items = list(scanner.everything().files.items())
    by_processes = content(read_batches(scanner, items, 40))
    here = [
        each
        for start in range(0, 450, 150)
        for each in content(read_batches(scanner, items[start : start + 150], 40))
    ]
    assert [len(batch) for batch in by_processes] == [40] * 11 + [10]
    assert [*chain.from_iterable(by_processes)] == [*chain.from_iterable(here)]
    assert [path for path, _ in [*chain.from_iterable(by_processes)]] == [path for path, _ in items]
    assert isinstance(dict([*chain.from_iterable(by_processes)])["m100.py"], str)
    assert multiprocessing.active_children() == []


@several
def test_closing_ends_the_processes(scanner):
    batches = read_batches(scanner, list(scanner.everything().files.items()), 10)
    next(batches)
    assert multiprocessing.active_children()
    batches.close()
    assert multiprocessing.active_children() == []


@several
def test_a_reader_that_is_killed_costs_nothing_but_time(scanner):
    items = list(scanner.everything().files.items())
    batches = read_batches(scanner, items, 10)
    got = [next(batches)]
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    got += batches
    assert [each.path for batch in got for each in batch] == [path for path, _ in items]
    assert sum(isinstance(each.outcome, Parsed) for batch in got for each in batch) == 449


@several
def test_readers_end_with_a_parent_that_is_killed(scanner):
    script = (
        "import sys, time, multiprocessing; from pathlib import Path\n"
        "from retrieval.config import RetrievalConfig; from retrieval.scan import Scanner\n"
        "from retrieval.readers import read_batches\n"
        "if __name__ == '__main__':\n"
        "    s = Scanner(Path(sys.argv[1]), RetrievalConfig())\n"
        "    batches = read_batches(s, list(s.everything().files.items()), 5); next(batches)\n"
        "    print(*[p.pid for p in multiprocessing.active_children()], flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(scanner.root)], cwd=TREE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    readers = [int(each) for each in process.stdout.readline().split()]
    process.kill()
    process.wait()
    process.stdout.close()
    assert readers
    deadline = time.monotonic() + 20
    while any(_runs(each) for each in readers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_nothing_to_read(scanner):
    assert list(read_batches(scanner, [], 10)) == []
