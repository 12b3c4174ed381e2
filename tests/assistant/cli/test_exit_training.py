"""What lies between the options of ``splice drafts train exit`` and its training."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.drafts import drafts_app
from assistant.cli.exit_training import ExitWishes, recipe_of
from assistant.cli.training import job_of
from completion.registry import ModelLocation
from drafts.card import read_card

ROOT = Path(__file__).parents[3]
WISHES = ExitWishes(
    data=[Path("a")], out=Path("out"), target=None, steps=7, resume=True, layers=3, words=300, batch=5,
    length=64, samples=9, rate=0.5, seed=2, accept=["unknown"], device=None, config=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "LICENSE", folder)
    shutil.copytree(ROOT / "kvcache", folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_every_wish_arrives() -> None:
    recipe, job = recipe_of(WISHES), job_of(WISHES, ModelLocation("t", Path("t")), "cpu")
    assert (recipe.steps, recipe.layers, recipe.words, recipe.rows, recipe.length) == (7, 3, 300, 5, 64)
    assert (recipe.samples, recipe.held_out, recipe.rate, recipe.seed) == (9, 9, 0.5, 2)
    assert (job.target, job.resume, job.rules.seed) == ("t", True, 2)
    assert {"unknown", "MIT"} <= job.rules.allowed


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_makes_an_adapter(
    project: Path, tiny_model_dir: Path, tmp_path: Path, as_json: bool
) -> None:
    named = ("--corpus", str(project), "--target", str(tiny_model_dir), "--out", str(tmp_path / "d"))
    small = ("--steps", "3", "--words", "400", "--length", "48", "--samples", "6", "--device", "cpu")
    done = CliRunner().invoke(drafts_app, ["train", "exit", *named, *small, *["--json"][:as_json]])
    assert done.exit_code == 0, done.output
    assert read_card(tmp_path / "d").kind == "exit"
    if as_json:
        assert json.loads(done.stdout)["exits"][0]["layer"] == 2
    else:
        assert "behind layer 2: acceptance" in done.stdout
        assert "Training 3 of 3" in done.stderr


def test_an_exit_that_cannot_be_is_one_sentence(project: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    named = ("--data", str(project), "--target", str(tiny_model_dir), "--out", str(tmp_path / "d"))
    done = CliRunner().invoke(drafts_app, ["train", "exit", *named, "--layers", "3", "--device", "cpu"])
    assert done.exit_code == 2
    assert "There is no exit behind layer 3 of 3." in done.stderr
