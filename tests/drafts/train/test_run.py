"""Whole runs: stopped anywhere and resumed they make the same draft; whatever does not fit is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from safetensors.numpy import load_file

from drafts.errors import BadRecipe, CorruptCheckpoint, NoCorpus, OtherRun
from drafts.train.loop import Pace
from drafts.train.progress import Progress, Watch
from drafts.train.run import Outcome
from tests.drafts.train.conftest import small_recipe, stopping_at

Cook = Callable[..., Outcome]
SHORT = small_recipe("nested", pace=Pace(10, rate=5e-3), prompts=16, held_out_prompts=16, most=4, rows=2)


class StopAt(Watch):
    """Stops as soon as so many things were told; ``told`` has all of them."""

    def __init__(self, count: int) -> None:
        told: list[Progress] = []
        super().__init__(told.append, lambda: len(told) >= count)
        object.__setattr__(self, "told", told)


@pytest.fixture(scope="module")
def whole(cook: Cook, tmp_path_factory) -> tuple[Path, int]:
    """A run that nobody stopped, and how much it told."""
    out = tmp_path_factory.mktemp("whole") / "draft"
    watch = StopAt(10**9)
    outcome = cook(SHORT, out, watch=watch)
    assert (outcome.directory, outcome.step) == (out, 10)
    return out, len(watch.told)


def equal(one: Path, other: Path) -> bool:
    names = ("model.safetensors", "vocabulary.safetensors", "curves.csv", "curves.png", "draft.json")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.97])
def test_stopped_anywhere_and_resumed_makes_the_same_draft(
    cook: Cook, whole, tmp_path: Path, share: float
) -> None:
    expected, told = whole
    outcome = cook(SHORT, tmp_path / "d", watch=StopAt(round(told * share)))
    assert outcome.directory is None
    again = cook(SHORT, tmp_path / "d", watch=StopAt(5), resume=True)  # it was only being read again
    assert again.directory is None
    assert cook(SHORT, tmp_path / "d", resume=True).directory == tmp_path / "d"
    assert equal(tmp_path / "d", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_the_outcome_tells_what_was_made(whole) -> None:
    out, _ = whole
    card = json.loads((out / "draft.json").read_text())
    assert card["exits"] == [1, 2]
    assert len(card["measured"]) == 2
    assert load_file(out / "model.safetensors")["model.embed_tokens.weight"].shape == (500, 64)


@pytest.fixture
def begun(cook: Cook, tmp_path: Path) -> Path:
    """A run that was stopped while training; returns where its draft is to go."""
    outcome = cook(small_recipe(), tmp_path / "d", watch=stopping_at(3))
    assert (outcome.step, outcome.directory) == (3, None)
    return tmp_path / "d"


def test_what_was_skipped_is_told(begun: Path) -> None:
    rows = list(csv.DictReader((begun.parent / "d.training" / "skipped.csv").read_text().splitlines()))
    assert any(row["path"].endswith("LICENSE") and "no source file" in row["reason"] for row in rows)


def test_a_run_goes_on_only_as_it_was_begun(cook: Cook, begun: Path) -> None:
    with pytest.raises(OtherRun, match="go on with --resume"):
        cook(small_recipe(), begun)
    with pytest.raises(OtherRun, match="other seed;"):
        cook(small_recipe(seed=1), begun, resume=True)
    with pytest.raises(OtherRun, match="other words, rows;"):
        cook(small_recipe(words=501, rows=9), begun, resume=True)
    (begun.parent / "d.training" / "run.json").write_text("{")
    with pytest.raises(OtherRun, match="damaged"):
        cook(small_recipe(), begun, resume=True)


def test_a_corrupt_checkpoint_is_one_sentence(cook: Cook, begun: Path) -> None:
    (path,) = (begun.parent / "d.training").glob("*.pt")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptCheckpoint, match=r"^The checkpoint in .* is damaged \(the bytes .*\.$"):
        cook(small_recipe(), begun, resume=True)


def test_two_processes_do_not_share_a_folder(cook: Cook, begun: Path) -> None:
    with FileLock(begun.parent / "d.training" / "lock"), pytest.raises(BadRecipe, match="Another process"):
        cook(small_recipe(), begun, resume=True)


def test_what_cannot_be_is_refused_before_anything_is_written(
    cook: Cook, tmp_path: Path, tiny_model_dir
) -> None:
    out = tmp_path / "d"
    for recipe, changes, error, words in (
        (small_recipe(exits=(3,)), {}, BadRecipe, "last layer"),
        (small_recipe(from_layers=True), {}, BadRecipe, "needs that model"),
        (small_recipe(), {"base_dir": tiny_model_dir}, BadRecipe, "needs that model"),
        (small_recipe(), {"roots": (tmp_path / "no",)}, NoCorpus, "There is no folder"),
        (small_recipe(), {"roots": ()}, NoCorpus, "No folder"),
        (small_recipe(), {"device": "cuda"}, BadRecipe, "CUDA"),
    ):
        with pytest.raises(error, match=words):
            cook(recipe, out, **changes)
    assert list(tmp_path.iterdir()) == []


def test_folders_without_licensed_files_are_one_sentence(cook: Cook, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.py").write_text("x = 1\n" * 40)
    with pytest.raises(NoCorpus, match=r"0 files .* most others: nobody says under which licence"):
        cook(small_recipe(), tmp_path / "d", roots=(tmp_path / "mine",))
