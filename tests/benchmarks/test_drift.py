"""Drift on the tiny model: what is compared, what the figures say, what is drawn."""

import argparse
import inspect
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.__main__ import main
from benchmarks.drift import WITH, WITHOUT, Drift, Point, plot, rows, slope, trends
from benchmarks.traces import Patch, TypingTrace, applied
from completion.config import CompletionConfig
from completion.loading import LoadedModel

SOURCE = inspect.getsource(argparse)[2_000:4_500]


def session() -> TypingTrace:
    """Someone works downwards through the file; the fourth edit also changes a line far above."""
    text, edits = SOURCE, []
    for number in range(16):
        above = [Patch(text.index("\n") + 1, 0, "# Renamed.\n")] if number == 3 else []
        at = len("\n".join(applied(text, above).split("\n")[: 12 + 2 * number]))
        patches = (*above, Patch(at, 0, f"\n    note_{number} = {number}" if number % 2 else "x"))
        edits.append(patches)
        text = applied(text, patches)
    return TypingTrace(SOURCE, tuple(edits))


@pytest.fixture(scope="module")
def points(tiny: LoadedModel) -> list[Point]:
    return list(Drift(tiny, CompletionConfig()).points(session(), 2, 14, every=3))


def of(points: list[Point], store: str) -> list[Point]:
    return [point for point in points if point.store == store]


def test_every_nth_edit_is_completed_from_either_store(points: list[Point]) -> None:
    assert [point.edit for point in of(points, WITH)] == [3, 6, 9, 12]
    assert [point.edit for point in of(points, WITHOUT)] == [3, 6, 9, 12]


def test_edits_leave_the_stores_approximate_and_a_refresh_helps(points: list[Point]) -> None:
    often, never = of(points, WITH), of(points, WITHOUT)
    assert all(point.divergence > 0 for point in never if point.stale)
    assert sum(point.stale for point in often) < sum(point.stale for point in never)
    assert sum(point.divergence for point in often) < sum(point.divergence for point in never)


def test_a_store_that_is_refreshed_before_each_completion_is_exact(tiny: LoadedModel) -> None:
    """Behind a refresh, typing at one place appends: nothing is stale and the answers are the same."""
    typing = [(Patch(len(SOURCE) + at, 0, char),) for at, char in enumerate("value = total + 1")]
    trace = TypingTrace(SOURCE, tuple(typing))
    found = list(Drift(tiny, CompletionConfig()).points(trace, 0, 16, every=4))
    assert all(point.first and point.line and point.stale == 0 for point in found)
    assert max(point.divergence for point in found) < 1e-6


def point(edit: int, store: str = WITH, *, line: bool = True, divergence: float = 0.5) -> Point:
    return Point(edit, store, first=True, line=line, divergence=divergence, encoded=3, stale=7)


def test_blocks_and_halves_are_counted() -> None:
    found = [point(edit, line=edit <= 200, divergence=edit / 1e3) for edit in range(25, 401, 25)]
    table = {row["edits"]: row for row in rows([*found, point(400, WITHOUT)], 200) if row["store"] == WITH}
    assert list(table) == ["1 to 200", "201 to 400", "first half", "second half", "all"]
    assert [row["n"] for row in table.values()] == [8, 8, 8, 8, 16]
    assert [row["line = full %"] for row in table.values()] == [100, 0, 100, 0, 50]
    assert table["1 to 200"]["KL mean, mnat"] == pytest.approx(112.5)
    assert table["all"]["first = full %"] == 100


def test_slope_of_a_line_is_certain_and_that_of_noise_is_not() -> None:
    assert slope([1, 2, 3, 4], [3, 5, 7, 9]) == pytest.approx((2, 0))
    value, error = slope([0, 1, 2, 3], [1, -1, -1, 1])
    assert value == pytest.approx(0)
    assert error == pytest.approx((4 / 2 / 5) ** 0.5)


def test_trends_are_of_1000_edits() -> None:
    found = [point(edit, divergence=edit / 1e6) for edit in range(100, 1_001, 100)]
    (sentence,) = trends([*found, point(1, WITHOUT)])
    assert f"{WITH}: KL +1.0 ± 0.0 mnat, equal lines +0.0 ± 0.0 points" in sentence


def test_the_drawing_has_a_curve_a_store_and_measure_and_a_dot_a_completion() -> None:
    found = [point(edit, store) for edit in range(25, 401, 25) for store in (WITH, WITHOUT)]
    root = ET.fromstring(plot(found, 200))
    tags = [each.tag.rpartition("}")[2] for each in root.iter()]
    assert tags.count("polyline") == 2
    assert tags.count("circle") == len(found) + 2 * 2
    assert tags.count("rect") == 4 + 4 * 2


def test_it_replays_reports_and_draws(tmp_path: Path, tiny_model_dir: Path) -> None:
    trace, out, drawn, answers = (tmp_path / name for name in ("t.json", "o.json", "o.svg", "a.jsonl"))
    txns = [{"patches": [list(patch) for patch in patches]} for patches in session().transactions]
    trace.write_text(json.dumps({"startContent": SOURCE, "txns": txns}), "utf-8")
    span = ["--from", "2", "--to", "14", "--every", "4", "--block", "6"]
    model = ["--model", str(tiny_model_dir), "--weights", "float32"]
    files = ["--json", str(out), "--plot", str(drawn), "--answers", str(answers)]
    assert main(["drift", "--trace", str(trace), *span, *model, *files]) == 0
    table = json.loads(out.read_text("utf-8"))["rows"]
    assert [row["n"] for row in table if row["edits"] == "all"] == [3, 3]
    assert len(answers.read_text("utf-8").splitlines()) == 6
    assert drawn.read_text("utf-8").startswith("<svg")
