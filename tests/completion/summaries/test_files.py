"""Files that are read for a summary, and those that are left alone."""

from pathlib import Path

import pytest

from completion.summaries.files import read_repository, read_source
from retrieval.errors import NotIndexed, OutsideRoot
from retrieval.syntax import SyntaxReader


def test_a_repository_is_its_code_without_what_is_ignored_binary_or_secret(tmp_path: Path) -> None:
    for name, data in {
        "b.py": b"def b(): pass\r\n",
        "a/a.go": b"package a\nfunc A() {}\n",
        ".gitignore": b"left.py\n",
        "left.py": b"def left(): pass\n",
        "notes.xyz": b"def no(): pass\n",
        "bin.py": b"\x7fELF\0\xff",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    found = read_repository(tmp_path, SyntaxReader())
    assert [source.path for source in found] == ["a/a.go", "b.py"]
    assert found[1].text == "def b(): pass\n"


def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1")
    with pytest.raises(NotIndexed, match="secrets"):
        read_source(tmp_path, ".env", SyntaxReader())
    with pytest.raises(OutsideRoot):
        read_source(tmp_path, "../x.py", SyntaxReader())
