"""Many files are read by several processes, and the result is that of one."""

import gc
from pathlib import Path

import pytest

from retrieval import readers
from retrieval.readers import read_batches, read_here
from retrieval.scan import OnDisk, Scanner
from tests.retrieval.repositories import config_in, write_files

Items = list[tuple[str, OnDisk]]


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    files = {f"f{number}.py": f"def f{number}():\n    return {number}\n" for number in range(120)}
    return Scanner(write_files(tmp_path / "many", files).resolve(), config_in(tmp_path))


@pytest.fixture
def items(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> Items:
    monkeypatch.setattr(readers, "_MANY", 100)
    return list(scanner.everything().files.items())


def started(monkeypatch: pytest.MonkeyPatch) -> list[readers._Reader]:
    """Every process that is started from now on."""
    found: list[readers._Reader] = []

    class Noted(readers._Reader):
        def __init__(self, scanner: Scanner) -> None:
            super().__init__(scanner)
            found.append(self)

    monkeypatch.setattr(readers, "_Reader", Noted)
    return found


def test_several_read_what_one_reads_in_the_same_order(
    scanner: Scanner, items: Items, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readers.os, "sched_getaffinity", lambda _: {0, 1, 2})
    processes = started(monkeypatch)
    batches = list(read_batches(scanner, items, 7))
    assert [each for batch in batches for each in batch] == read_here(scanner, items)
    assert len(processes) == 3
    assert all(each._process.returncode is not None for each in processes)
    assert gc.isenabled()


def test_few_files_start_no_process(scanner: Scanner, items: Items, monkeypatch: pytest.MonkeyPatch):
    processes = started(monkeypatch)
    assert len(list(read_batches(scanner, items[:20], 7))) == 3
    assert not processes


def test_whoever_stops_leaves_no_process(scanner: Scanner, items: Items, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers.os, "sched_getaffinity", lambda _: {0, 1})
    processes = started(monkeypatch)
    batches = read_batches(scanner, items, 7)
    next(batches)
    batches.close()
    assert [each._process.returncode for each in processes] == [-9, -9]
    assert gc.isenabled()


def test_the_work_of_a_process_that_was_killed_is_done_here(
    scanner: Scanner, items: Items, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readers.os, "sched_getaffinity", lambda _: {0, 1})
    processes = started(monkeypatch)
    batches = read_batches(scanner, items, 7)
    found = next(batches)
    processes[0].kill()
    assert [*found, *(each for batch in batches for each in batch)] == read_here(scanner, items)
