"""Token vectors that are looked up and added."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.embed import Vectors
from retrieval.errors import EmbeddingFailed
from retrieval.static_vectors import StaticEmbedder, distil, principal, token_shares, weights


class Letters:
    """A token for each small letter."""

    vocabulary = 26

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[ord(letter) - 97 for letter in text if "a" <= letter <= "z"] for text in texts]

    def embed_tokens(self, ids: Sequence[int]) -> Vectors:
        return np.random.default_rng(3).standard_normal((26, 12)).astype(np.float32)[list(ids)]


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return distil(Letters(), Letters(), ["eeee tttt a"], dimension=8)


def test_the_sum_of_the_weighted_vectors():
    matrix = np.array([[1, 0], [0, 2], *[[0, 0]] * 24], np.float32)
    embedder = StaticEmbedder("letters", matrix, Letters())
    assert embedder.embed(["aab"]) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5]]), abs=1e-6)
    assert embedder.embed_query("b") == pytest.approx(np.array([0, 1]))


def test_every_vector_has_length_one(embedder: StaticEmbedder):
    vectors = embedder.embed(["abc", "", "…", "z" * 50_000])
    assert (vectors.shape, vectors.dtype) == ((4, 8), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert embedder.embed([]).shape == (0, 8)


@given(st.lists(st.text("abcdefg xyz", max_size=20), max_size=5))
def test_a_text_has_one_vector_whatever_stands_beside_it(texts: list[str]):
    embedder = distil(Letters(), Letters(), ["abc"], dimension=8)
    together = embedder.embed(texts)
    for row, text in zip(together, texts, strict=True):
        assert embedder.embed_query(text) == pytest.approx(row, abs=1e-6)


def test_common_tokens_weigh_less():
    shares = token_shares(Letters(), ["eeeeee", "ea"], 26)
    assert shares.sum() == pytest.approx(1)
    assert shares[4] == 8 / (26 + 8)
    weighed = weights(shares)
    assert weighed[4] < weighed[0] < weighed[1]
    assert weights(np.array([1e-4])) == pytest.approx([0.5])


def test_the_main_axes_keep_distances():
    """All axes: a turn and a shift. Fewer: the best that so many can do."""
    rows = np.random.default_rng(1).standard_normal((50, 6)) * [9, 5, 1, 1, 0.1, 0.1]
    whole, few = principal(rows, 6), principal(rows, 2)
    assert np.linalg.norm(whole[3] - whole[9]) == pytest.approx(np.linalg.norm(rows[3] - rows[9]))
    assert few == pytest.approx(whole[:, :2])
    variances = whole.var(0)
    assert list(variances) == sorted(variances, reverse=True)


def test_kept_and_loaded(embedder: StaticEmbedder, tmp_path: Path):
    path = tmp_path / "new" / "vectors.npz"
    embedder.save(path)
    loaded = StaticEmbedder.load(path, Letters())
    assert (loaded.name, loaded.dimension) == (embedder.name, 8)
    assert np.array_equal(loaded.embed(["abc"]), embedder.embed(["abc"]))
    assert list(path.parent.iterdir()) == [path]


def test_the_name_tells_vectors_apart(embedder: StaticEmbedder):
    assert distil(Letters(), Letters(), ["eeee tttt a"], dimension=8).name == embedder.name
    assert distil(Letters(), Letters(), ["zzz"], dimension=8).name != embedder.name


@pytest.mark.parametrize("damage", ["none", "cut", "flip", "other"])
def test_what_cannot_be_read_is_refused(embedder: StaticEmbedder, tmp_path: Path, damage: str):
    path = tmp_path / "vectors.npz"
    if damage != "none":
        embedder.save(path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[:100], "flip": content, "other": b"hello"}[damage])
    with pytest.raises(EmbeddingFailed, match="token vectors"):
        StaticEmbedder.load(path, Letters())
