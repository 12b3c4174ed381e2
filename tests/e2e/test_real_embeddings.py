"""The real embedding model: fetched as data, made into token vectors once, finding what words do not."""

from pathlib import Path

import numpy as np
import pytest

from completion.embedders import default_embedder, obtain_embedder
from retrieval.config import RetrievalConfig
from retrieval.embed import Embedder
from retrieval.encoders import TransformerEmbedder
from retrieval.index import RepositoryIndex
from retrieval.opening import open_embedder
from tests.retrieval.repositories import config_in, write_files

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]
FILES = {
    "members.py": "def delete_member(member):\n    members.discard(member)\n",
    "bills.py": "def send_invoice(client, amount):\n    mail(client, amount)\n",
    "draw.py": "def paint_circle(canvas, radius):\n    canvas.arc(0, 0, radius)\n",
    "network.py": "def open_socket(host, port):\n    return connect(host, port)\n",
}
ASKED = {
    "remove a user": "members.py",
    "billing payment": "bills.py",
    "graphics shape": "draw.py",
    "tcp connection": "network.py",
}
"""Questions without a word of their answers."""


@pytest.fixture(scope="module")
def directory() -> Path:
    """The model's directory, fetched on first use."""
    return obtain_embedder(default_embedder(), models_dir=None).directory


@pytest.fixture(scope="module")
def embedder(directory: Path) -> Embedder:
    """Its token vectors, made on first use and kept in the user's cache."""
    made = open_embedder(RetrievalConfig(embedder=f"static:{directory}"))
    assert made is not None
    return made


def test_a_question_in_other_words_finds_its_answer(embedder: Embedder, tmp_path: Path):
    index = RepositoryIndex(write_files(tmp_path / "shop", FILES), config_in(tmp_path), embedder)
    index.refresh()
    assert index.embed() == len(FILES)
    for question, path in ASKED.items():
        best = index.search(question, 1)[0]
        assert (best.path, set(best.parts)) == (path, {"dense"})
    index.close()


def test_the_model_itself_reads_a_sentence(directory: Path):
    model = TransformerEmbedder(directory)
    vectors = model.embed(["delete the account", "remove a user", "a red bicycle"])
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > far + 0.2
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
