"""The quality benchmark on the tiny model and made-up cases."""

import argparse
import inspect
import json
from pathlib import Path

import pytest
import torch

from benchmarks import edits
from benchmarks.__main__ import main
from benchmarks.edit_cases import EditCase
from benchmarks.edits import (
    BUDGETS,
    CONFLICT,
    FULL,
    FULL_PLAIN,
    PIE,
    PIE_SEAM,
    REFRESHED,
    Bench,
    Outcome,
    Unturned,
    ours,
    rows,
)
from completion.config import CompletionConfig
from completion.loading import LoadedModel

SOURCE = inspect.getsource(argparse)[3_000:5_400]
CURSOR = SOURCE.index("\n", 1_700)
INSERTED = "\n    # Several lines that nobody\n    # has seen before now.\n"


def insertion() -> EditCase:
    """Two lines come far in front of the cursor."""
    after = SOURCE.replace("\n", INSERTED, 1)
    truth = "value = 1"
    return EditCase(
        "insertion", "made/up#1", "python", SOURCE, CURSOR, after, CURSOR + len(after) - len(SOURCE), truth
    )


def jump() -> EditCase:
    """The cursor was elsewhere; the text is the same."""
    return EditCase("jump", "made/up#2", "python", SOURCE, SOURCE.index("\n", 1_000), SOURCE, CURSOR, "value")


@pytest.fixture(scope="module")
def outcomes(tiny: LoadedModel) -> dict[str, dict[str, Outcome]]:
    bench = Bench(tiny, CompletionConfig())
    return {case.task: {each.method: each for each in bench.outcomes(case)} for case in (insertion(), jump())}


TASKS = ("insertion", "jump")


def test_every_method_answers_every_case(outcomes: dict[str, dict[str, Outcome]]) -> None:
    methods = [FULL, *map(ours, BUDGETS), REFRESHED, FULL_PLAIN, CONFLICT, PIE, PIE_SEAM]
    for task in TASKS:
        assert list(outcomes[task]) == methods
        assert {each.task for each in outcomes[task].values()} == {task}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", [FULL, FULL_PLAIN])
def test_full_recomputation_equals_itself(
    tiny: LoadedModel, outcomes: dict[str, dict[str, Outcome]], task: str, method: str
) -> None:
    full = outcomes[task][method]
    assert full.first
    assert full.line
    assert full.divergence == 0
    assert full.encoded == full.prompt
    assert full.encoded > 0.95 * len(tiny.codec.encode(SOURCE))


@pytest.mark.parametrize("task", TASKS)
def test_behind_a_refresh_the_answer_is_that_of_full_recomputation(
    outcomes: dict[str, dict[str, Outcome]], task: str
) -> None:
    full, refreshed = outcomes[task][FULL], outcomes[task][REFRESHED]
    assert refreshed.first
    assert refreshed.line
    assert refreshed.text == full.text
    assert refreshed.divergence < 1e-6
    assert refreshed.encoded > 128


@pytest.mark.parametrize("task", TASKS)
def test_reuse_differs_and_more_repair_costs_more(outcomes: dict[str, dict[str, Outcome]], task: str) -> None:
    found = [outcomes[task][ours(budget)] for budget in BUDGETS]
    assert all(each.divergence > 1e-6 for each in found)
    assert [each.encoded for each in found] == sorted({each.encoded for each in found})
    assert found[-1].encoded < found[-1].prompt == outcomes[task][FULL].encoded


def test_keys_that_are_not_turned_conflict(outcomes: dict[str, dict[str, Outcome]]) -> None:
    """Where nothing moves, not turning is no conflict; where the rest of the file moved it is."""
    moved = outcomes["insertion"]
    assert moved[CONFLICT].encoded == moved[PIE].encoded
    assert moved[CONFLICT].divergence != moved[PIE].divergence
    assert moved[CONFLICT].divergence > 1e-4
    assert moved[PIE_SEAM].encoded == moved[PIE].encoded + 8


def test_no_rotation_leaves_keys_as_they_are() -> None:
    keys, places = torch.randn(2, 3, 4, 8), torch.arange(4)
    assert torch.equal(Unturned().turn(keys, computed_at=places, wanted_at=places + 5), keys)


def test_the_published_ways_look_at_no_roles(outcomes: dict[str, dict[str, Outcome]]) -> None:
    """A jump moves a marker in the plain layout, and that is encoded; ours encodes the lines between."""
    assert outcomes["jump"][PIE].encoded < 8 < outcomes["jump"][ours(8)].encoded


def test_the_order_of_methods_does_not_matter(
    tiny: LoadedModel, outcomes: dict[str, dict[str, Outcome]]
) -> None:
    """Every method begins with the cache of the old document, whatever another did to its copy."""
    again = {each.method: each for each in Bench(tiny, CompletionConfig()).outcomes(insertion())}
    for method, each in again.items():
        assert each.divergence == outcomes["insertion"][method].divergence
        assert each.text == outcomes["insertion"][method].text


def outcome(task: str, method: str, *, right: bool, match: bool, encoded: int = 10) -> Outcome:
    return Outcome(task, "n", method, 100, encoded, 5.0, True, match, 0.25, match, 0.5, right, "", "")


def test_rows_count_all_and_those_full_recomputation_gets_right() -> None:
    some = [
        outcome("typing", PIE, right=True, match=True),
        outcome("typing", PIE, right=False, match=False, encoded=30),
        outcome("jump", PIE, right=False, match=False),
    ]
    table = {(row["task"], row["method"]): row for row in rows(some)}
    assert list(table) == [("typing", PIE), ("jump", PIE), ("all", PIE)]
    typing = table["typing", PIE]
    assert (typing["n"], typing["EM %"], typing["EM of right %"], typing["ES of right %"]) == (2, 50, 100, 50)
    assert (typing["first = full %"], typing["line = full %"], typing["KL"]) == (100, 50, 0.25)
    assert (typing["encoded"], typing["saved %"]) == (20, pytest.approx(80))
    assert table["jump", PIE]["EM of right %"] is None


def test_it_reports_and_writes_every_answer(
    tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "load_cases", lambda *_, **__: [insertion(), jump()])
    out, answers = tmp_path / "out.json", tmp_path / "answers.jsonl"
    options = ["--data", "made-up.jsonl", "--tasks", "jump", "--weights", "float32"]
    files = ["--json", str(out), "--answers", str(answers)]
    assert main(["edits", *options, "--model", str(tiny_model_dir), *files]) == 0
    table = json.loads(out.read_text("utf-8"))["rows"]
    assert {row["task"] for row in table} == {"jump", "all"}
    written = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    assert [each["method"] for each in written] == [row["method"] for row in table if row["task"] == "jump"]
