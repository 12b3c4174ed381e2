"""``splice drafts train`` as a person uses it: trains, says what went wrong in one sentence."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.drafts import drafts_app
from drafts.card import read_card
from drafts.train.progress import Progress

ROOT = Path(__file__).parents[3]
SMALL = (
    "--width", "32", "--head", "16", "--words", "400", "--batch", "2", "--length", "48", "--prompts", "4",
    "--device", "cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "LICENSE", folder)
    shutil.copytree(ROOT / "kvcache", folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def train(kind: str, project: Path, target: Path, out: Path, *more: str):
    named = ("--data", str(project), "--target", str(target), "--out", str(out))
    return CliRunner().invoke(drafts_app, ["train", kind, *named, *SMALL, *more])


def test_tiny(project: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    result = train("tiny", project, tiny_model_dir, tmp_path / "d", "--steps", "4", "--layers", "1")
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "d") in result.stdout
    assert "layer 1: acceptance" in result.stdout
    assert "Training 4 of 4" in result.stderr
    assert read_card(tmp_path / "d").kind == "tiny"


def test_nested_as_json(project: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    result = train(
        "nested", project, tiny_model_dir, tmp_path / "d", "--steps", "2", "--layers", "3", "--exit", "1",
        "--exit", "2", "--base", str(tiny_model_dir), "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [each["layer"] for each in told["exits"]] == [1, 2, 3]
    assert told["steps"] == 2
    assert len(told["exits"][0]["block_efficiency"]) == 2


def test_half_of_the_layers_is_the_usual_exit(project: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    result = train("nested", project, tiny_model_dir, tmp_path / "d", "--steps", "1", "--layers", "4")
    assert result.exit_code == 0, result.output
    assert read_card(tmp_path / "d").exits == (2, 4)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--width", "40"), 2, "multiple of its heads' size"),
        (("--target", "/no/such/model"), 2, "/no/such/model"),
        (("--data", "/no/such/folder"), 2, "There is no folder /no/such/folder."),
    ],
)
def test_what_is_wrong_is_one_sentence(
    project: Path, tiny_model_dir: Path, tmp_path: Path, more: tuple[str, ...], code: int, words: str
) -> None:
    result = train("tiny", project, tiny_model_dir, tmp_path / "d", *more)
    assert result.exit_code == code, result.output
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_what_was_done_and_says_how_to_go_on(
    project: Path, tiny_model_dir: Path, tmp_path: Path, monkeypatch
) -> None:
    steps = ("--steps", "30", "--prompts", "0", "--layers", "1")

    def interrupting(step: Progress) -> None:
        if step.part == "Training" and step.done == 13:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("assistant.cli.training.some_lines", lambda: interrupting)
        result = train("tiny", project, tiny_model_dir, tmp_path / "d", *steps)
    assert result.exit_code == 130, result.output
    assert result.stderr.splitlines()[-1].startswith("Stopped behind step 13 of 30; ")
    assert "--resume" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "d").exists()
    again = train("tiny", project, tiny_model_dir, tmp_path / "d", *steps)
    assert (again.exit_code, len(again.stderr.splitlines())) == (2, 1)
    assert "--resume" in again.stderr
    resumed = train("tiny", project, tiny_model_dir, tmp_path / "d", *steps, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert read_card(tmp_path / "d").steps == 30
