"""A full disk and a folder that cannot be written are sentences, not tracebacks."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from completion.disk import free_bytes, need_room, size_of, writing
from completion.errors import DiskFull, DownloadError


def test_room_is_asked_for_with_a_margin(tmp_path: Path) -> None:
    need_room(tmp_path, 1_000, lambda _: 10**9)
    with pytest.raises(DiskFull, match=r"needs 2\.1 GB .* has 2\.0 GB"):
        need_room(tmp_path, 2 * 10**9, lambda _: 2 * 10**9)
    assert free_bytes(tmp_path) > 0


def test_a_disk_that_runs_full_while_writing_is_named(tmp_path: Path) -> None:
    full = Path("/dev/full")  # every write there fails with ENOSPC
    with pytest.raises(DiskFull, match="full"), writing(tmp_path):
        full.write_bytes(b"x")


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"), writing(tmp_path):
        (tmp_path / "file" / "folder").mkdir()


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no terminal") as caught, writing(tmp_path):
        raise OSError(errno.ENOTTY, "no terminal")
    assert not isinstance(caught.value, DownloadError)


def test_size_counts_every_file_below(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b").write_bytes(b"345")
    assert size_of(tmp_path) == 5


def test_folders_that_vanish_while_they_are_counted_are_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installer's scratch folders go when it likes: here, one right before it is listed itself."""
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "scratch" / "inner").mkdir(parents=True)
    (tmp_path / "scratch" / "inner" / "b").write_bytes(b"345")
    scandir = os.scandir

    def list_and_remove(path: str | int | Path) -> object:
        if isinstance(path, int):  # shutil lists by file descriptor
            return scandir(path)
        listed = scandir(path)
        if Path(path).name == tmp_path.name:
            shutil.rmtree(tmp_path / "scratch")
        return listed

    monkeypatch.setattr(os, "scandir", list_and_remove)
    assert size_of(tmp_path) == 2
