"""Whole runs of an adapter: it learns, it may be stopped anywhere, and what is written drafts."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from completion.config import EngineConfig
from completion.exit_target import ExitTarget
from completion.loading import load_model
from completion.tokens import TextCodec
from drafts.adapter import read_adapter
from drafts.card import ADAPTER, read_card
from drafts.errors import BadRecipe, NoCorpus, OtherRun
from drafts.train.corpus import Document
from drafts.train.exit_run import ExitRecipe, samples_of, train_exit
from drafts.train.progress import Watch
from drafts.train.run import Job, Outcome
from drafts.train.samples import FimIds
from tests.drafts.train.conftest import stopping_at

RECIPE = ExitRecipe(steps=60, layers=1, words=400, length=64, samples=60, held_out=12, rate=1e-2, looks=3)
Cook = Callable[..., Outcome]


@pytest.fixture(scope="module")
def bake(project: Path, tiny_model_dir: Path, codec: TextCodec, fim: FimIds) -> Cook:
    """Run a recipe over the project into ``out``."""
    loaded = load_model("tiny", tiny_model_dir, EngineConfig(weights="int8", device="cpu"))
    target = ExitTarget(loaded.forward.passes, loaded.shape, name="tiny")  # type: ignore[arg-type] # int8: CpuPass

    def run(recipe: ExitRecipe, out: Path, *, watch: Watch | None = None, **changes) -> Outcome:
        given = {"roots": (project,), "target": "tiny", "target_dir": tiny_model_dir, "device": "cpu"}
        job = Job(**given | {"out": out} | changes)
        return train_exit(recipe, job, codec, fim, target=target, watch=watch or Watch())

    return run


def curve(directory: Path) -> list[dict[str, str]]:
    with (directory / "curves.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole(bake: Cook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "exit"
    outcome = bake(RECIPE, out)
    assert (outcome.directory, outcome.step) == (out, 60)
    assert [path.name for path in out.parent.iterdir()] == ["exit"]
    return out


def test_it_learns_and_writes_what_it_learnt(whole: Path) -> None:
    card, adapter = read_card(whole), read_adapter(whole / ADAPTER)
    assert (card.kind, card.target, card.exits, card.steps) == ("exit", "tiny", (1,), 60)
    assert (adapter.target, adapter.layers) == ("tiny", 1)
    assert 390 < len(adapter.vocabulary) <= 400
    rows = curve(whole)
    assert [row["step"] for row in rows] == ["0", "20", "40", "60"]
    assert float(rows[-1]["loss"]) < float(rows[1]["loss"])
    assert float(rows[-1]["acceptance"]) > 1.3 * float(rows[0]["acceptance"]), rows
    assert card.measured[0].acceptance == pytest.approx(float(rows[-1]["acceptance_middle"]), abs=0.02)
    assert (whole / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("step", [4, 20, 50])
def test_stopped_anywhere_and_resumed_it_makes_the_same_adapter(
    bake: Cook, whole: Path, tmp_path: Path, step: int
) -> None:
    stopped = bake(RECIPE, tmp_path / "d", watch=stopping_at(step))
    assert (stopped.directory, stopped.step) == (None, step)
    assert bake(RECIPE, tmp_path / "d", resume=True).directory == tmp_path / "d"
    one, other = read_adapter(tmp_path / "d" / ADAPTER), read_adapter(whole / ADAPTER)
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("query", "out", "turn"))
    columns = ("step", "loss", "acceptance", "acceptance_middle")
    got, expected = ([[row[name] for name in columns] for row in curve(at)] for at in (tmp_path / "d", whole))
    assert got == expected


def test_a_run_that_was_begun_goes_on_with_its_own_options_only(bake: Cook, tmp_path: Path) -> None:
    bake(RECIPE, tmp_path / "d", watch=stopping_at(2))
    with pytest.raises(OtherRun, match="--resume"):
        bake(RECIPE, tmp_path / "d")
    with pytest.raises(OtherRun, match="rate"):
        bake(replace(RECIPE, rate=0.5), tmp_path / "d", resume=True)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"steps": 0}, BadRecipe, "too few steps"),
        ({"length": 8}, BadRecipe, "32 tokens"),
        ({"layers": 3}, BadRecipe, "no exit behind layer 3"),
    ],
)
def test_what_cannot_be_is_refused(
    bake: Cook, tmp_path: Path, changes: dict[str, int], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        bake(replace(RECIPE, **changes), tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_a_middle_counts_in_full_and_all_else_in_part(codec: TextCodec, fim: FimIds) -> None:
    text = "".join(f"value_{number} = compute({number})\n" for number in range(200))
    documents = [Document("0", text, "code", Path("a.py"))]
    plain, cut, *_ = samples_of(documents, codec, fim, count=8, length=64, seed=0)
    assert set(plain.weights) == {0.3}
    start = cut.ids.index(fim.middle)
    assert set(cut.weights[:start]) == {0.3}
    assert set(cut.weights[start:]) == {1.0}
    assert all(len(each.ids) == len(each.weights) <= 64 for each in (plain, cut))
    again = samples_of(documents, codec, fim, count=8, length=64, seed=0)
    assert again[1] == cut != samples_of(documents, codec, fim, count=8, length=64, seed=1)[1]


def test_nothing_to_learn_from_is_told(codec: TextCodec, fim: FimIds) -> None:
    with pytest.raises(NoCorpus):
        samples_of([Document("0", "", "code", Path("a.py"))], codec, fim, count=1, length=64, seed=0)
