"""The table of drafters: equal answers, and counts that add up."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.draft_sets import SETS, questions

SOURCE = (
    "def add(a, b):\n    total = a + b\n    return total\n\n\n"
    "def sub(a, b):\n    total = a - b\n    return total\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A row or two of every set, in the shape of the real data."""
    (tmp_path / "humaneval-infilling").mkdir()
    (tmp_path / "humaneval").mkdir()
    (tmp_path / "edit-traces").mkdir()
    (tmp_path / "keystroke-traces").mkdir()
    row = {"task_id": "t/0", "prompt": SOURCE[:40], "suffix": SOURCE[55:]}
    for name in ("MultiLine", "RandomSpan"):
        light = "Light" if name == "RandomSpan" else ""
        path = tmp_path / f"humaneval-infilling/HumanEval-{name}Infilling{light}.jsonl"
        path.write_text(json.dumps(row) + "\n")
    (tmp_path / "humaneval/HumanEval.jsonl").write_text(
        json.dumps({"task_id": "h/0", "prompt": SOURCE}) + "\n"
    )
    after = SOURCE.replace("a + b", "b + a").replace("a - b", "a - b - 1")
    edit = {"commit": "c", "path": "p.py", "language": "python", "before": SOURCE, "after": after}
    edit["hunks"] = [[2, 2, 2, 2], [7, 7, 7, 7]]
    (tmp_path / "edit-traces/dev.jsonl").write_text(json.dumps(edit) + "\n")
    typed = {"startContent": SOURCE, "txns": [{"patches": [[10, 0, "x"]]}] * 1_050}
    (tmp_path / "keystroke-traces/rustcode.json").write_text(json.dumps(typed))
    return tmp_path


@pytest.mark.parametrize("name", list(SETS))
def test_every_set_has_questions_within_its_texts(name: str, data: Path) -> None:
    asked = questions(name, data, rows=5, seed=7)
    assert asked
    for question in asked:
        for request in (question.request, question.earlier):
            assert request is None or 0 <= request.cursor <= len(request.text)
    assert asked == questions(name, data, rows=5, seed=7)
    assert (name == "again") == (asked[0].earlier is not None)


def test_a_hunk_is_asked_without_its_lines(data: Path) -> None:
    (first, second) = (question.request for question in questions("edits", data, rows=5, seed=7))
    assert "b + a" not in first.text
    assert first.text[: first.cursor] == "def add(a, b):\n"
    assert "a - b - 1" in first.text
    assert "a - b" not in second.text
    (again,) = questions("again", data, rows=5, seed=7)
    assert again.earlier is not None
    assert "a + b" in again.earlier.text
    assert "b + a" in again.request.text
    assert "a - b" not in again.request.text + again.earlier.text


def test_the_table_says_whether_answers_differ(
    data: Path, tiny_model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "table.json"
    arguments = ["--data", str(data), "--model", str(tiny_model_dir), "--draft", str(tiny_model_dir)]
    code = main(["drafts", *arguments, "--rows", "2", "--tokens", "12", "--json", str(written)])
    assert code == 0
    report = json.loads(written.read_text())
    assert "Answers that differ from those without drafts: 0 of" in " ".join(report["notes"])
    rows = {(row["set"], row["drafter"]): row for row in report["rows"]}
    assert len(rows) == len(SETS) * 5
    own = [row for (_, drafter), row in rows.items() if drafter == "small_model" and row["acceptance"]]
    assert max(float(row["acceptance"]) for row in own) > 0.9  # it drafts for itself
    assert max(float(row["block efficiency"]) for row in own) > 3
    assert all(float(row["MBSU"]) < float(row["block efficiency"]) for row in own)
    assert "speed-up" in capsys.readouterr().out
