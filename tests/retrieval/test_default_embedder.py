"""The default: made once, kept, made anew where it is lost."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.default_embedder import FileTokenizer, standard_library, static_embedder
from retrieval.encoders import TransformerEmbedder
from retrieval.errors import EmbeddingFailed
from tests.retrieval.sentence_model import make_sentence_model


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sentence_model(tmp_path_factory.mktemp("sentence-model"))


def test_made_once_and_kept(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "kept.npz"
    made = static_embedder(directory, kept)
    assert made.dimension == TransformerEmbedder(directory).dimension
    with monkeypatch.context() as patch:
        patch.setattr("retrieval.default_embedder.distil", None)
        loaded = static_embedder(directory, kept)
    assert loaded.name == made.name
    assert np.array_equal(loaded.embed(["get user"]), made.embed(["get user"]))


def test_made_anew_where_it_is_damaged(directory: Path, tmp_path: Path):
    kept = tmp_path / "kept.npz"
    kept.write_bytes(b"PK damaged")
    made = static_embedder(directory, kept)
    assert static_embedder(directory, kept).name == made.name


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(EmbeddingFailed, match="no tokenizer"):
        static_embedder(tmp_path, tmp_path / "kept.npz")


def test_a_text_is_encoded_whole(directory: Path):
    ids = FileTokenizer(directory).encode(["name " * 500, ""])
    assert [len(row) for row in ids] == [500, 0]


def test_the_standard_library_is_code():
    first = next(standard_library())
    assert "import" in first
