"""Where indexes lie."""

import os
from pathlib import Path

import pytest

from retrieval.config import RetrievalConfig
from retrieval.errors import UnwritableIndex
from retrieval.place import index_base, index_folder, kept_vectors, make_folder
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


def test_a_link_to_a_repository_is_the_repository(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    config = config_in(tmp_path)
    assert index_folder(tmp_path / "link/shop", config) == index_folder(tmp_path / "a/shop", config)


def test_a_folder_is_for_its_owner(tmp_path):
    make_folder(tmp_path / "index/shop")
    assert (tmp_path / "index/shop").stat().st_mode & 0o777 == 0o700
    make_folder(tmp_path / "index/shop")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "index").write_text("in the way")
    with pytest.raises(UnwritableIndex, match=r"index/shop: Not a directory"):
        make_folder(tmp_path / "index/shop")


def test_a_long_name_is_cut(tmp_path):
    make_folder(index_folder(tmp_path / ("ä" * 120), config_in(tmp_path)))
