"""Sentence-embedding models: a plain pass of transformers is the oracle."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from retrieval.encoders import TransformerEmbedder
from retrieval.errors import EmbeddingFailed
from tests.retrieval.sentence_model import make_sentence_model

TEXTS = ["def get user", "", "print name " * 40, "return value", "class store: open close read"]
models: Any = AutoModel
tokenizers: Any = AutoTokenizer


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sentence_model(tmp_path_factory.mktemp("sentence-model"))


def plain(directory: Path, text: str, *, first: bool = False, most: int = 64) -> np.ndarray[Any, Any]:
    """One text alone, without padding."""
    ids = tokenizers.from_pretrained(directory)(text, truncation=True, max_length=most, return_tensors="pt")
    with torch.inference_mode():
        states = models.from_pretrained(directory).eval()(input_ids=ids["input_ids"]).last_hidden_state[0]
    pooled = (states[0] if first else states.mean(0)).numpy()
    return pooled / np.linalg.norm(pooled)


def test_a_batch_says_what_each_text_says_alone(directory: Path):
    embedder = TransformerEmbedder(directory)
    vectors = embedder.embed(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((5, embedder.dimension), np.float32)
    for row, text in zip(vectors, TEXTS, strict=True):
        assert row == pytest.approx(plain(directory, text), abs=1e-5)
        assert embedder.embed_query(text) == pytest.approx(row, abs=1e-5)
    assert embedder.embed([]).shape == (0, 32)


def test_the_first_state_where_the_model_says_so(tmp_path: Path):
    directory = make_sentence_model(tmp_path, pooling="cls_token")
    assert TransformerEmbedder(directory).embed_query("get name") == pytest.approx(
        plain(directory, "get name", first=True), abs=1e-5
    )


def test_only_so_many_tokens_are_read(directory: Path):
    embedder = TransformerEmbedder(directory, max_tokens=8)
    assert embedder.embed_query("name " * 30) == pytest.approx(
        plain(directory, "name " * 30, most=8), abs=1e-5
    )


def test_identifiers_are_read_as_words(directory: Path):
    embedder = TransformerEmbedder(directory)
    assert embedder.embed_query("getUserName") == pytest.approx(embedder.embed_query("get_user_name"))


def test_a_token_alone(directory: Path):
    embedder = TransformerEmbedder(directory)
    token = tokenizers.from_pretrained(directory).convert_tokens_to_ids("name")
    vector = embedder.embed_tokens([5, token])[1]
    assert vector / np.linalg.norm(vector) == pytest.approx(plain(directory, "name"), abs=1e-5)
    assert embedder.vocabulary == len(tokenizers.from_pretrained(directory))


def test_the_name_says_what_the_vectors_depend_on(directory: Path, tmp_path: Path):
    name = TransformerEmbedder(directory).name
    assert TransformerEmbedder(directory).name == name
    assert TransformerEmbedder(directory, max_tokens=8).name != name
    assert TransformerEmbedder(make_sentence_model(tmp_path, pooling="cls_token")).name != name


def test_another_pooling_is_refused(tmp_path: Path):
    with pytest.raises(EmbeddingFailed, match="pooling_mode_max_tokens"):
        TransformerEmbedder(make_sentence_model(tmp_path, pooling="max_tokens"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(EmbeddingFailed, match="no embedding model"):
        TransformerEmbedder(tmp_path)
