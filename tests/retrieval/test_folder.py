"""Where indexes lie: one folder a repository, for nobody else, and a sentence where there can be none."""

import pytest

from retrieval.errors import UnwritableIndex
from retrieval.folder import index_folder, make_folder
from tests.retrieval.repositories import config_in


def test_every_repository_has_a_folder_of_its_own(tmp_path):
    config = config_in(tmp_path)
    one, other = index_folder(tmp_path / "a/shop", config), index_folder(tmp_path / "b/shop", config)
    assert one != other
    assert one.parent == other.parent == tmp_path / "index"
    assert one.name.startswith("shop-")
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert index_folder(tmp_path / "link/shop", config) == one


def test_a_folder_is_for_its_owner(tmp_path):
    make_folder(tmp_path / "index/shop")
    assert (tmp_path / "index/shop").stat().st_mode & 0o777 == 0o700
    make_folder(tmp_path / "index/shop")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "index").write_text("in the way")
    with pytest.raises(UnwritableIndex, match=r"index/shop: Not a directory"):
        make_folder(tmp_path / "index/shop")
