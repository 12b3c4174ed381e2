import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.table import Report, commit, machine

REPORT = Report("speed", [{"what": "a", "ms": 1.25, "n": 1234}, {"what": "b", "ms": None}], ["As measured."])


def test_the_figures_are_written_with_what_was_measured_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    REPORT.write(file)
    written = json.loads(file.read_text("utf-8"))
    assert set(written) >= {"benchmark", "commit", "machine", "rows"}
    assert written["benchmark"] == "speed"
    assert written["rows"] == [{"what": "a", "ms": 1.25, "n": 1234}, {"what": "b", "ms": None}]
    assert "As measured." in capsys.readouterr().out


def test_one_table_shows_them() -> None:
    out = io.StringIO()
    REPORT.show(Console(file=out, width=200))
    text = out.getvalue()
    assert all(word in text for word in ("speed", "what", "1.2", "1,234", "–"))


def test_commit_and_machine_are_told() -> None:
    assert commit()
    assert "cores" in machine()
