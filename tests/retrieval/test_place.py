"""Where indexes lie."""

import os
from pathlib import Path

import pytest

from retrieval.config import RetrievalConfig
from retrieval.place import index_base, index_folder, kept_vectors
from tests.retrieval.repositories import config_in


def test_folders_of_equal_names_have_indexes_of_their_own(tmp_path: Path):
    config = config_in(tmp_path)
    first, second = (index_folder(tmp_path / name / "shop", config) for name in "ab")
    assert first != second
    assert {first.parent, second.parent} == {index_base(config)}
    assert first.name.startswith("shop-")


def test_by_default_they_lie_in_the_users_cache():
    assert index_base(RetrievalConfig()).parts[-2:] == ("splice", "index")


def test_other_weights_have_other_vectors(tmp_path: Path):
    config, model = config_in(tmp_path), tmp_path / "model"
    model.mkdir()
    with pytest.raises(OSError, match="No such file"):
        kept_vectors(model, config)
    weights = model / "model.safetensors"
    weights.write_bytes(b"1")
    before = kept_vectors(model, config)
    assert before == kept_vectors(model, config)
    assert before.is_relative_to(index_base(config))
    os.utime(weights, ns=(1, 1))
    assert kept_vectors(model, config) != before
