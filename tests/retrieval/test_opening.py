"""Which embedder a setting means."""

import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.config import RetrievalConfig
from retrieval.encoders import TransformerEmbedder
from retrieval.errors import EmbeddingFailed
from retrieval.opening import Wanted, is_made, open_embedder, wanted
from retrieval.static_vectors import StaticEmbedder
from tests.retrieval.repositories import config_in
from tests.retrieval.sentence_model import make_sentence_model


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sentence_model(tmp_path_factory.mktemp("sentence-model"))


@pytest.mark.parametrize(
    ("setting", "asked"),
    [
        ("none", None),
        ("auto", Wanted("default", is_static=True)),
        ("org/model", Wanted("org/model", is_static=False)),
        ("static:/a/b", Wanted("/a/b", is_static=True)),
    ],
)
def test_what_a_setting_asks_for(setting: str, asked: Wanted | None):
    assert wanted(setting, "default") == asked
    if asked is not None:
        assert wanted(str(asked)) == asked


@pytest.mark.parametrize("setting", ["none", "auto"])
def test_nothing_to_embed_with(setting: str):
    assert open_embedder(RetrievalConfig(embedder=setting)) is None
    assert not is_made(RetrievalConfig(embedder=setting))


def test_a_directory_is_run_itself(directory: Path):
    config = RetrievalConfig(embedder=str(directory))
    assert is_made(config)
    assert isinstance(open_embedder(config, make=False), TransformerEmbedder)


def test_token_vectors_are_made_when_that_is_allowed(directory: Path, tmp_path: Path):
    config = config_in(tmp_path, embedder=f"static:{directory}")
    assert open_embedder(config, make=False) is None
    assert not is_made(config)
    told: list[tuple[int, int]] = []
    made = open_embedder(config, on_made=lambda *so_far: told.append(so_far))
    assert isinstance(made, StaticEmbedder)
    assert told[0][0] == 0 < told[0][1]
    assert is_made(config)
    again = open_embedder(config, make=False)
    assert again is not None
    assert again.name == made.name


@pytest.mark.parametrize("setting", ["no/such/model", "static:no/such/model"])
def test_what_is_no_model_is_refused(setting: str, tmp_path: Path):
    with pytest.raises(EmbeddingFailed, match="no directory"):
        open_embedder(RetrievalConfig(embedder=setting))
    with pytest.raises(EmbeddingFailed, match="no model"):
        open_embedder(config_in(tmp_path, embedder=f"static:{tmp_path}"))


def test_importing_it_is_cheap():
    code = "import sys, retrieval.opening; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "numpy", "transformers", "sqlalchemy"}.isdisjoint(run.stdout.split())
