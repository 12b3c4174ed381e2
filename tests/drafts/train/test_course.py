"""Training as a whole: the loss falls, every exit is of use, and a damaged checkpoint is one sentence."""

import csv
from pathlib import Path

import pytest
import torch

from drafts.errors import CorruptCheckpoint
from drafts.train.checkpoint import load_checkpoint, save_checkpoint
from drafts.train.curves import CSV
from tests.drafts.train.conftest import STEPS, small_recipe, stopping_at


def curves(draft: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((draft / CSV).read_text().splitlines()))


def test_the_loss_falls_and_the_draft_beats_an_untrained_one(nested_draft: Path) -> None:
    rows = curves(nested_draft)
    judged = [row for row in rows if row["acceptance@2"]]
    assert [int(row["step"]) for row in judged] == [0, STEPS // 2, STEPS]
    lost = [float(row["loss"]) for row in rows if row["loss"]]
    assert sum(lost[-5:]) / 5 < lost[0] - 1
    for depth in (1, 2):
        first, *_, last = judged
        assert float(last[f"held_out_loss@{depth}"]) < float(first[f"held_out_loss@{depth}"]) - 0.3
        assert float(last[f"acceptance@{depth}"]) > float(first[f"acceptance@{depth}"]) + 0.04
        assert float(last[f"block_efficiency_3@{depth}"]) > float(first[f"block_efficiency_3@{depth}"])


def test_a_checkpoint_of_another_kind_is_one_sentence(cook, tmp_path: Path) -> None:
    assert cook(small_recipe(), tmp_path / "d", watch=stopping_at(3)).directory is None
    folder = tmp_path / "d.training"
    state = load_checkpoint(folder)
    assert state is not None
    for change in ({"ledger": 3}, {"model": {"w": torch.zeros(1)}}):
        save_checkpoint(folder, {**state, **change})
        with pytest.raises(CorruptCheckpoint, match="of another model"):
            cook(small_recipe(), tmp_path / "d", resume=True)
