"""A file belongs to the repository around it; a home folder is none."""

from pathlib import Path

import pytest

from assistant.repository import is_repository, repository_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    (tmp_path / "home/project/src/deep").mkdir(parents=True)
    return tmp_path / "home"


def test_the_folder_of_the_version_control_decides(home: Path) -> None:
    (home / "project/.git").mkdir()
    (home / "project/src/pyproject.toml").touch()
    assert repository_of(home / "project/src/deep/a.py") == home / "project"
    assert is_repository(home / "project")


def test_without_one_the_nearest_mark_does(home: Path) -> None:
    (home / "project/package.json").touch()
    (home / "project/src/go.mod").touch()
    assert repository_of(home / "project/src/deep/a.go") == home / "project/src"


def test_without_any_it_is_the_files_own_folder(home: Path) -> None:
    assert repository_of(home / "project/src/a.py") == home / "project/src"
    assert not is_repository(home / "project/src")


def test_a_home_folder_and_what_is_above_it_are_none(home: Path) -> None:
    for folder in (home, home.parent):
        (folder / ".git").mkdir()
    assert repository_of(home / "project/a.py") == home / "project"
    assert repository_of(home / "a.py") == home
    assert not is_repository(home)
    assert not is_repository(home.parent)
