"""A run: from any state of the catalogue to what is on disk."""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import lookups
from retrieval.catalog import Catalog
from retrieval.config import RetrievalConfig
from retrieval.indexing import BATCH, Progress, Run
from retrieval.rows import Changed
from retrieval.scan import Scanner
from tests.retrieval.repositories import write_files

PATHS = ["a.py", "b.py", "d/c.py", "d/e/f.py", ".env"]
STATES = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["x = 1\n", "y = 2\n", "bin\0ary"]))


class Runs:
    """Runs over one folder and catalogue; remembers what was told."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.root.mkdir()
        self.catalog = Catalog(folder / "catalog.sqlite")
        self.catalog.prepare()
        self.scanner = Scanner(self.root, RetrievalConfig())
        self.ids: set[int] = set()
        self.steps: list[Progress] = []

    def run(self, scanner=None, cancelled=None) -> Run:
        return Run(
            self.catalog, scanner or self.scanner,
            on_changed=self.changed, progress=self.steps.append, cancelled=cancelled,
        )  # fmt: skip

    def changed(self, changed: Changed) -> None:
        self.ids -= set(changed.removed)
        self.ids |= set(changed.added)

    def held(self):
        with self.catalog.reading() as connection:
            assert lookups.chunk_ids(connection) == self.ids
            return {path: each.key.digest for path, each in lookups.held_files(connection).items()}

    def on_disk(self):
        return {
            path: digest for path in self.scanner.everything().files if (digest := self.scanner.digest(path))
        }

    def write(self, state) -> None:
        for path in PATHS:
            (self.root / path).unlink(missing_ok=True)
        write_files(self.root, state)


@pytest.fixture
def runs(tmp_path):
    made = Runs(tmp_path)
    yield made
    made.catalog.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=STATES, second=STATES)
def test_from_any_state_to_any_other(runs, first, second):
    for state in (first, second):
        runs.write(state)
        runs.run().everything()
        assert runs.held() == runs.on_disk()
    again = runs.run().everything()
    assert (again.read, again.dropped, again.unchanged) == (0, 0, len(runs.held()))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=STATES, second=STATES, wanted=st.sets(st.sampled_from([*PATHS, "d", "d/e", ""]), max_size=3))
def test_some_brings_these_paths_and_leaves_the_others(runs, first, second, wanted):
    runs.write(first)
    runs.run().everything()
    before = runs.held()
    runs.write(second)
    runs.run().some(wanted)
    below = [
        path for path in PATHS if any(each in ("", path) or path.startswith(each + "/") for each in wanted)
    ]
    expected = {path: digest for path, digest in before.items() if path not in below}
    expected |= {path: digest for path, digest in runs.on_disk().items() if path in below}
    assert runs.held() == expected


def test_a_cancelled_run_has_written_whole_batches(runs):
    write_files(runs.root, {f"{number:03}.py": f"x = {number}\n" for number in range(3 * BATCH)})
    stopped = runs.run(cancelled=lambda: runs.steps[-1].done >= BATCH).everything()
    assert (stopped.cancelled, stopped.read, len(runs.held())) == (True, BATCH, BATCH)
    rest = runs.run().everything()
    assert (rest.cancelled, rest.read, rest.unchanged) == (False, 2 * BATCH, BATCH)


def test_progress_counts_up_to_all(runs):
    write_files(runs.root, {f"{number:03}.py": "x = 1\n" for number in range(BATCH + 1)})
    runs.run().everything()
    assert runs.steps == [
        Progress("looking", 0, 0), Progress("reading", 0, BATCH + 1),
        Progress("reading", BATCH, BATCH + 1), Progress("reading", BATCH + 1, BATCH + 1),
    ]  # fmt: skip


def test_a_touched_file_is_hashed_and_not_read(runs):
    write_files(runs.root, {"a.py": "x = 1\n"})
    runs.run().everything()
    os.utime(runs.root / "a.py", ns=(1, 1_000_000_000))
    assert runs.run().everything().unchanged == 1
    with runs.catalog.reading() as connection:
        assert lookups.held_files(connection)["a.py"].stat.mtime_ns == 1_000_000_000


def test_a_change_in_the_same_tick_as_the_hashing_is_seen(runs):
    """Same size, same time: a file hashed that soon after it was written is hashed again."""
    file = runs.root / "a.py"
    write_files(runs.root, {"a.py": "x = 1\n"})
    runs.run().everything()

    class Slow(Scanner):
        def digest(self, path: str) -> str:
            said = super().digest(path)
            file.write_text("x = 2\n")
            os.utime(file, ns=(tick, tick))
            time.sleep(0.1)
            return said

    tick = time.time_ns()
    os.utime(file, ns=(tick, tick))
    runs.run(Slow(runs.root, RetrievalConfig())).everything()
    runs.run().everything()
    assert runs.held() == runs.on_disk()


def test_a_file_that_goes_after_the_look_is_left_out_and_not_held(runs):
    write_files(runs.root, {"a.py": "x = 1\n", "b.py": "x = 1\n"})

    class Late(Scanner):
        def everything(self):
            scan = super().everything()
            (runs.root / "a.py").unlink()
            return scan

    report = runs.run(Late(runs.root, RetrievalConfig())).everything()
    assert (report.read, sum(report.left_out.values())) == (1, 1)
    assert set(runs.held()) == {"b.py"}
