"""The table and the verdicts of the load benchmark."""

import pytest

from benchmarks.chores import Meter, Step
from benchmarks.load_table import ALONE, CONTROL, INDEXED, LOADED, QUIET, Phase, Phases, rows, verdicts
from benchmarks.typist import Stroke


def strokes(first_ms: float, count: int) -> list[Stroke]:
    return [Stroke(edit, first_ms, first_ms / 2) for edit in range(count)]


def phases(loaded_ms: float) -> Phases:
    """Quietly 100 ms; steps of 10, 50 and 80 ms."""
    chores = Meter([Step(0.01, 1), Step(0.05, 32), Step(0.08, 31)])
    return {
        QUIET: Phase(strokes(100.0, 20)),
        LOADED: Phase(strokes(loaded_ms, 15), chores, seconds=2.0),
        INDEXED: Phase([*strokes(loaded_ms, 18), Stroke(19, None, 1.0)], index=chores, seconds=4.0),
        ALONE: Phase(summaries=chores, seconds=1.0),
        CONTROL: Phase(strokes(5_000.0, 3), chores, seconds=2.0),
    }


def test_rows_are_of_the_same_edits_and_tell_what_was_done() -> None:
    table = {row["phase"]: row for row in rows(phases(150.0))}
    assert [table[name]["edits"] for name in (QUIET, LOADED, INDEXED)] == [15, 15, 15]
    assert (table[QUIET]["p95"], table[LOADED]["p95"], table[CONTROL]["p95"]) == (100, 150, 5_000)
    assert table[LOADED]["in queue ms p95"] == 75
    assert (table[LOADED]["summary tokens/s"], table[LOADED]["index tokens/s"]) == (32, 0)
    assert table[INDEXED]["index tokens/s"] == 16
    assert (table[ALONE]["step ms median"], table[ALONE]["longest step"]) == pytest.approx((50, 80))
    assert table[ALONE]["most tokens a step"] == 32
    assert table["quiet, the control's edits"]["edits"] == 3


@pytest.mark.parametrize(
    ("loaded_ms", "median", "longest"),
    [(159, "met", "met"), (189, "missed", "met"), (191, "missed", "missed")],
)
def test_the_goal_is_a_tenth_and_one_step(loaded_ms: float, median: str, longest: str) -> None:
    loaded, indexed = verdicts(phases(loaded_ms))
    for sentence in (loaded, indexed):
        assert f"with the median step 160 ms may be: {median}" in sentence
        assert f"with the longest step 190 ms may be: {longest}" in sentence


def test_nothing_is_judged_by_nothing() -> None:
    empty = phases(1.0) | {QUIET: Phase()}
    assert all("too little" in sentence for sentence in verdicts(empty))
