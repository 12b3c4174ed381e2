"""Training an adapter: it learns, it says how far it is, and an interruption changes nothing."""

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from drafts.adapter import Adapter
from drafts.train.exit_model import ExitModel
from drafts.train.kangaroo import Look, Settings, acceptance, train
from drafts.train.traces import Trace
from tests.drafts.train.targets import TinyTarget, frozen

SETTINGS = Settings(steps=60, batch=3, rate=2e-2, look_every=20)


def traces(count: int, seed: int) -> list[Trace]:
    """Random texts of several lengths, the second half of each in full weight."""
    make = torch.Generator().manual_seed(seed)
    found: list[Trace] = []
    for number in range(count):
        ids = torch.randint(32, (8 + number % 5,), generator=make).tolist()
        weights = torch.tensor([0.3] * (len(ids) // 2) + [1.0] * (len(ids) - len(ids) // 2))
        found.append(Trace(weights, *TinyTarget().trace(ids, 2)))
    return found


TRAIN, HELD_OUT = traces(20, 1), traces(6, 2)


def trained(
    folder: Path, settings: Settings = SETTINGS, looks: int | None = None
) -> tuple[list[Look], Adapter | None]:
    """The looks, ``looks`` of them where that is said, and the adapter where it was finished."""
    steps = train(frozen(), TRAIN, HELD_OUT, settings=settings, folder=folder)
    if looks is not None:
        found = list(islice(steps, looks))
        steps.close()
        return found, None
    found = []
    while True:
        try:
            found.append(next(steps))
        except StopIteration as end:
            return found, end.value


def test_loss_falls_and_acceptance_beats_an_untrained_adapter(tmp_path: Path) -> None:
    looks, adapter = trained(tmp_path)
    assert [look.step for look in looks] == [0, 20, 40, 60]
    assert looks[-1].loss < 0.85 * looks[1].loss
    assert looks[-1].acceptance > looks[0].acceptance + 0.3
    assert adapter is not None
    assert not torch.equal(adapter.query, frozen().start.query)
    assert torch.equal(adapter.vocabulary, frozen().start.vocabulary)


def test_the_curve_is_what_was_seen(tmp_path: Path) -> None:
    looks, _ = trained(tmp_path)
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [look.step for look in looks]
    assert [float(row["acceptance_middle"]) for row in rows] == [look.acceptance_middle for look in looks]
    assert float(rows[-1]["loss"]) == looks[-1].loss


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_an_interruption_changes_nothing(tmp_path: Path, looks: int) -> None:
    """To the last bit; a run that is over is not begun again."""
    whole, wanted = trained(tmp_path / "whole")
    first, _ = trained(tmp_path / "parts", looks=looks)
    rest, found = trained(tmp_path / "parts")
    assert [replace(look, seconds=0, loss=0) for look in first + rest] == [
        replace(look, seconds=0, loss=0) for look in whole
    ]
    again, same = trained(tmp_path / "parts")
    assert again == []
    assert wanted is not None
    assert found is not None
    assert same is not None
    for name in ("query", "query_bias", "out", "turn"):
        assert torch.equal(getattr(found, name), getattr(wanted, name))
        assert torch.equal(getattr(same, name), getattr(wanted, name))


def test_acceptance_counts_the_targets_own_tokens() -> None:
    """All positions, and those of full weight by themselves; a token that is no word is never guessed."""
    parts = frozen()
    model = ExitModel(parts)
    trace = HELD_OUT[0]
    with torch.no_grad():
        guessed = parts.start.vocabulary[model(trace.shallow[None])[0].argmax(dim=-1)]
    middle = int((trace.weights >= 1).sum())
    all_right = replace(trace, greedy=guessed)
    assert acceptance(model, parts, [all_right]) == (1.0, 1.0)
    strange = guessed.clone()
    strange[-1] += 1
    share, inside = acceptance(model, parts, [replace(trace, greedy=strange)])
    assert share == pytest.approx(1 - 1 / len(guessed))
    assert inside == pytest.approx(1 - 1 / middle)
    assert acceptance(model, parts, []) == (0.0, 0.0)
