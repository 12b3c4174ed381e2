"""The infilling benchmark on the tiny model, whose answers are noise."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.fim import load, wilson

ROW = {
    "task_id": "T/0",
    "entry_point": "add",
    "prompt": "def add(a, b):\n",
    "suffix": "    return c\n",
    "canonical_solution": "    c = a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({**ROW, "task_id": f"T/{n}"}) + "\n" for n in range(20)), "utf-8")
    return file


def test_the_choice_of_rows_depends_on_the_seed_alone(data: Path) -> None:
    chosen = [case.name for case in load(data, rows=5, seed=7)]
    assert chosen == [case.name for case in load(data, rows=5, seed=7)]
    assert chosen != [case.name for case in load(data, rows=5, seed=8)]
    assert len(set(chosen)) == 5


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(0, 10, 0.0, 27.8), (10, 10, 72.2, 100.0), (81, 150, 46.0, 61.8)]
)
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=0.1)


def test_it_asks_judges_and_reports(data: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    out, answers = tmp_path / "out.json", tmp_path / "answers.jsonl"
    options = ["--rows", "2", "--model", str(tiny_model_dir), "--weights", "float32"]
    assert main(["fim", "--data", str(data), *options, "--json", str(out), "--answers", str(answers)]) == 0
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert [(row["layout"], row["rows"]) for row in rows] == [("plain", 2), ("append", 2)]
    written = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    assert [each["layout"] for each in written] == ["plain", "plain", "append", "append"]
    assert not any(each["passed"] for each in written)
