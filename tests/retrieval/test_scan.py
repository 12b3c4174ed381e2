"""What a look at a repository sees, and what it leaves out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.config import RetrievalConfig
from retrieval.errors import NotIndexed, OutsideRoot
from retrieval.rows import Parsed
from retrieval.scan import OnDisk, Scanner, is_among
from tests.retrieval.repositories import write_files

TREE = Path(__file__).parents[2]
NAMES = st.sampled_from(["a", "ab", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def root(tmp_path):
    return write_files(
        tmp_path / "root",
        {"a.py": "x = 1\n", "pkg/b.go": "package b\n", "pkg/deep/c.py": "y = 2\n", ".gitignore": "*.log\n"},
    )


@pytest.fixture
def scanner(root):
    return Scanner(root.resolve(), RetrievalConfig(max_file_bytes=1_000))


def parsed(scanner: Scanner, path: str) -> Parsed:
    outcome = scanner.parse(path, scanner.some([path]).files[path])
    assert isinstance(outcome, Parsed)
    return outcome


# Paths


@given(PATHS, st.sets(PATHS, max_size=3))
def test_among_is_being_one_or_lying_below_one(path, wanted):
    assert is_among(path, wanted) == any(path == each or path.startswith(each + "/") for each in wanted)
    assert is_among(path, {*wanted, ""})


def test_a_path_is_told_from_the_root_however_it_is_given(scanner, root, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    for given_path in ("pkg/b.go", "./pkg/../pkg/b.go", root / "pkg/b.go", tmp_path / "alias/pkg/b.go"):
        assert scanner.relative(given_path) == "pkg/b.go"
    assert scanner.relative(root) == scanner.relative(".") == ""
    assert scanner.relative("..hidden") == "..hidden"
    for outside in ("..", "../root2/a.py", "pkg/../../x", root.parent, Path("/")):
        with pytest.raises(OutsideRoot, match="outside the repository"):
            scanner.relative(outside)


def test_a_path_through_a_link_to_itself_is_only_a_path(scanner, root, tmp_path):
    (root / "loop").symlink_to(root / "loop")
    assert scanner.relative("loop/x.py") == "loop/x.py"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OutsideRoot):
        scanner.relative(tmp_path / "loop/x.py")
    assert "loop" not in scanner.everything().files


# Looking


def test_some_is_everything_at_these_paths(scanner, root):
    whole = scanner.everything().files
    assert sorted(whole) == [".gitignore", "a.py", "pkg/b.go", "pkg/deep/c.py"]
    assert scanner.some([""]).files == whole
    for wanted in (["a.py"], ["pkg"], ["pkg/deep", "a.py"], ["a.py", "absent.py"], ["a.py/below"], []):
        expected = {path: each for path, each in whole.items() if is_among(path, wanted)}
        assert scanner.some(wanted).files == expected


def test_some_leaves_out_what_everything_leaves_out(scanner, root, tmp_path):
    (tmp_path / "outside.py").write_text("secret = 1\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/d.py").write_text("z = 1\n")
    (root / "leak.py").symlink_to(tmp_path / "outside.py")
    (root / "gone.py").symlink_to(root / "absent.py")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(root / "pipe.py")
    write_files(root, {"x.log": "x\n", ".env": "A=1\n", "big.py": "x" * 1_001, "node_modules/m.js": "x\n"})
    names = [
        "leak.py", "gone.py", "linked/d.py", "pipe.py", "x.log", ".env", "big.py", "node_modules/m.js",
    ]  # fmt: skip
    whole = scanner.everything()
    for name in names:
        assert name not in whole.files
        assert scanner.some([name]).files == {}
    assert whole.left_out == {
        "link out of the root": 1, "link to a folder": 1, "not a file": 2, "ignored": 1,
        "secret": 1, "too large": 1, "skipped folder": 1,
    }  # fmt: skip


def test_a_link_that_leaves_the_root_has_neither_digest_nor_text(scanner, root, tmp_path):
    """It may have become one since the look."""
    (tmp_path / "outside.py").write_text("x = 1\n")
    seen = scanner.some(["a.py"]).files["a.py"]
    (root / "a.py").unlink()
    (root / "a.py").symlink_to(tmp_path / "outside.py")
    assert scanner.digest("a.py") == ""
    assert isinstance(scanner.parse("a.py", seen), str)


def test_a_file_that_goes_between_looking_and_reading(scanner, root):
    seen = scanner.some(["a.py"]).files["a.py"]
    (root / "a.py").unlink()
    assert scanner.digest("a.py") == ""
    assert isinstance(scanner.parse("a.py", seen), str)
    assert scanner.some(["a.py"]).files == {}


def test_names_that_are_not_utf8_are_left_out_with_all_below(scanner, root):
    folder = root / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "x.py").write_text("x = 1\n")
    (root / os.fsdecode(b"\xff.py")).write_text("x = 1\n")
    write_files(root, {"ünï.py": "x = 1\n", "line\nend.py": "x = 1\n"})
    scan = scanner.everything()
    assert scan.left_out == {"name is not UTF-8": 2}
    assert {"ünï.py", "line\nend.py"} < scan.files.keys()
    assert scanner.some([os.fsdecode(b"\xff.py"), os.fsdecode(b"caf\xe9/x.py")]).files == {}


def test_a_folder_that_may_not_be_entered_is_left_out(root):
    """As somebody who is not root: root may enter everything."""
    write_files(root, {"closed/x.py": "x = 1\n", "dark.py": "x = 1\n"})
    (root / "dark.py").chmod(0)
    (root / "closed").chmod(0)
    script = (
        "import sys; from pathlib import Path; from retrieval.config import RetrievalConfig as C\n"
        "from retrieval.scan import Scanner; s = Scanner(Path(sys.argv[1]), C()); scan = s.everything()\n"
        "print(sorted(scan.files), dict(scan.left_out), s.some(['closed/x.py', 'closed/y']).files)\n"
        "print(repr(s.digest('dark.py')), s.parse('dark.py', scan.files['dark.py']))\n"
    )
    nobody = 65534
    drop = f"import os; os.getuid() or (os.setgid({nobody}), os.setuid({nobody}))\n"
    for folder in (root, *root.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    # Imports come first: somebody else may not read this environment.
    imports, rest = script.split("; s = Scanner", 1)
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{drop}s = Scanner{rest}", str(root)],
        cwd=TREE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (root / "closed").chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['.gitignore', 'a.py', 'dark.py', 'pkg/b.go', 'pkg/deep/c.py'] {'unreadable': 1} {}",
        "'' binary, secret or unreadable",
    ]


# Reading


@pytest.mark.parametrize(
    "raw",
    [b"x = '\xe9\xe8'  # Latin-1 \xe0 la carte, and long enough to be plausible as text, is it not\r\n",
     "x = 'é'\r\n".encode("utf-16"), "\ufeffx = 'é'\n".encode(), b"x = 1\ry = 2\r"],
)  # fmt: skip
def test_the_digest_is_of_the_text_that_is_parsed(scanner, root, raw):
    (root / "a.py").write_bytes(raw)
    read = parsed(scanner, "a.py")
    assert read.held.key.digest == scanner.digest("a.py") != ""
    assert "".join(chunk.text for chunk in read.chunks).startswith("x = ")


def test_line_ends_make_no_difference(scanner, root):
    (root / "a.py").write_bytes(b"x = 1\ny = 2\n")
    before = scanner.digest("a.py")
    (root / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert scanner.digest("a.py") == before


@pytest.mark.parametrize("raw", [b"a\0b", b"", b"\x80\x81\x82" * 50])
def test_only_text_is_parsed(scanner, root, raw):
    (root / "a.py").write_bytes(raw)
    outcome = scanner.parse("a.py", scanner.some(["a.py"]).files["a.py"])
    assert isinstance(outcome, Parsed) == (raw == b"")


def test_a_script_without_an_extension_is_read_by_its_first_line(scanner, root):
    write_files(root, {"run": "#!/usr/bin/env python3\ndef go():\n    pass\n", "LICENSE": "Permission\n"})
    seen = scanner.everything().files
    assert (seen["run"].language, seen["LICENSE"].language) == ("python", "plaintext")
    read = parsed(scanner, "run")
    assert read.held.key.language == read.outline.language == "python"
    assert [each.name for each in read.outline.definitions] == ["go"]


# Unsaved texts


def test_an_unsaved_text_is_read_as_the_file_would_be(scanner, root):
    text = "def go():\r\n    pass\r\n"
    (root / "a.py").write_bytes(text.encode())
    read = parsed(scanner, "a.py")
    assert scanner.read_text("a.py", text) == (read.outline, read.chunks)
    script = "#!/bin/sh\ngo() { true; }\n"
    assert scanner.read_text("new/run", script)[0].language == "shellscript"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".env", "secret"),
        ("new/.env", "secret"),
        ("x.log", "ignored"),
        ("new/x.log", "ignored"),
        ("node_modules/new/x.js", "skipped folder"),
        (os.fsdecode(b"new/\xff.py"), "not UTF-8"),
    ],
)
def test_a_buffer_that_was_never_saved_is_left_alone_like_its_file(scanner, root, path, why):
    with pytest.raises(NotIndexed, match=why):
        scanner.read_text(path, "x = 1\n")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("x = 1\n")
    with pytest.raises(NotIndexed, match=why):
        scanner.read_text(path, "x = 1\n")


def test_a_folder_that_is_ignored_ignores_what_is_new_in_it(scanner, root):
    write_files(root, {".gitignore": "/out/\n"})
    with pytest.raises(NotIndexed, match="ignored"):
        scanner.read_text("out/new/x.py", "x = 1\n")
    assert scanner.read_text("pkg/out/x.py", "x = 1\n")


def test_the_size_of_a_buffer_is_counted_as_that_of_its_file(scanner):
    scanner.read_text("a.txt", "é" * 500)
    with pytest.raises(NotIndexed, match="larger than 1000 bytes"):
        scanner.read_text("a.txt", "é" * 501)
    scanner.read_text("a.txt", "\ud800")


def test_a_look_tells_size_and_time(scanner, root):
    os.utime(root / "a.py", ns=(5, 1_234_567_891))
    seen = scanner.everything().files["a.py"]
    assert seen == OnDisk("python", type(seen.stat)(6, 1_234_567_891))
