from pathlib import Path

import pytest

from retrieval.errors import NoRepository, NotIndexed, OutsideRoot
from retrieval.walk import read_text, walk


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_nearer_ignore_files_decide(tmp_path: Path):
    write(tmp_path, ".gitignore", "*.log\n/build/\n!keep.log\n")
    write(tmp_path, "sub/.gitignore", "!a.log\nkeep.log\n")
    for name in ("a.log", "keep.log", "sub/a.log", "sub/keep.log", "build/x.py", "sub/build/x.py"):
        write(tmp_path, name, "")
    found = walk(tmp_path)
    assert found.paths == (".gitignore", "keep.log", "sub/.gitignore", "sub/a.log", "sub/build/x.py")
    assert found.left_out == {"ignored": 3}


def test_left_out_by_reason(tmp_path: Path):
    root = tmp_path / "root"
    write(root, "node_modules/x.js", "")
    write(root, ".env", "A=1")
    write(root, "large.py", "x" * 20)
    write(root, "ok.py", "")
    (root / "loop").symlink_to(root)
    (tmp_path / "out.py").write_text("")
    (root / "out.py").symlink_to(tmp_path / "out.py")
    (root / "inner.py").symlink_to(root / "ok.py")
    found = walk(root, max_bytes=10)
    assert found.paths == ("inner.py", "ok.py")
    assert found.left_out == {
        "skipped folder": 1, "secret": 1, "too large": 1, "link to a folder": 1, "link out of the root": 1,
    }  # fmt: skip


def test_info_exclude_counts(tmp_path: Path):
    write(tmp_path, ".git/info/exclude", "*.tmp\n")
    write(tmp_path, "a.tmp", "")
    assert walk(tmp_path).paths == ()


def test_no_folder(tmp_path: Path):
    with pytest.raises(NoRepository):
        walk(tmp_path / "absent")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc"),
        ("naïve\n".encode("utf-16"), "naïve\n"),
        ("naïve, as it was written\n".encode("latin-1"), "naïve, as it was written\n"),
    ],
)
def test_encodings(tmp_path: Path, raw: bytes, text: str):
    (tmp_path / "f").write_bytes(raw)
    assert read_text(tmp_path, "f") == text


@pytest.mark.parametrize("raw", [b"a\0b", bytes(range(128, 160)) * 4, b"a" * 101])
def test_refused(tmp_path: Path, raw: bytes):
    (tmp_path / "f").write_bytes(raw)
    with pytest.raises(NotIndexed):
        read_text(tmp_path, "f", max_bytes=100)


def test_outside(tmp_path: Path):
    with pytest.raises(OutsideRoot):
        read_text(tmp_path, "../f")
