"""Files in, documents out: each skipped file with its reason, the same split whatever their names."""

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafts.train.corpus import Corpus, Document, Rules, collect, split

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software\n"
LONG = "value = compute(value)  # again and again\n" * 5


def collected(*roots: Path, rules: Rules | None = None) -> Corpus:
    work: Generator[int, None, Corpus] = collect(roots, rules or Rules())
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "LICENSE").write_text(MIT)
    for number in range(6):
        (tmp_path / f"good{number}.py").write_text(f"number = {number}\n" + LONG)
    return tmp_path


def reason(folder: Path, name: str, content: bytes | str, rules: Rules | None = None) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    skipped = {each.path: each.reason for each in collected(folder, rules=rules).skipped}
    return skipped.get(path.resolve(), "")


def test_source_files_are_taken(folder: Path) -> None:
    corpus = collected(folder)
    taken = {each.path.name for each in (*corpus.train, *corpus.held_out)}
    assert taken == {f"good{number}.py" for number in range(6)}
    assert corpus.held_out
    assert [(each.path.name, each.reason) for each in corpus.skipped] == [
        ("LICENSE", "a name without an ending is no source file")
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.py", "x = 1\n", "almost empty"),
        ("a.py", LONG * 4_000, "larger than"),
        ("a.py", LONG.encode() + b"\0", "no text"),
        ("a.py", LONG.encode() + b"\xff\xfe", "no text"),
        ("a.js", "var a=1;" * 400, "generated"),
        ("a.png", LONG, ".png is no source file"),
        (".env", LONG, "hold keys"),
        ("a.py", LONG + "-----BEGIN " + "PRIVATE KEY-----", "a private key"),
        ("a.py", "# SPDX-License-Identifier: GPL-3.0-only\n" + LONG, "licence is GPL-3.0-only"),
        ("copy.py", "number = 3\n" + LONG, ""),
    ],
)
def test_whatever_is_left_out_has_a_reason(folder: Path, name: str, content: str | bytes, words: str) -> None:
    assert words in reason(folder, name, content)


def test_the_same_content_is_taken_once(folder: Path) -> None:
    assert "the same as" in reason(folder, "z_copy.py", "number = 3\n" + LONG)


def test_without_a_licence_a_file_is_taken_only_when_asked(folder: Path) -> None:
    (folder / "LICENSE").unlink()
    assert "nobody says" in reason(folder, "a.py", LONG)
    assert reason(folder, "a.py", LONG, Rules(allowed=frozenset({"unknown"}))) == ""


def test_folders_of_tools_and_links_are_passed_over(folder: Path, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "foreign.py").write_text(LONG)
    (folder / "link.py").symlink_to(outside / "foreign.py")
    (folder / "linked").symlink_to(outside)
    for name in (".git", "node_modules"):
        (folder / name).mkdir()
        (folder / name / "a.py").write_text(LONG)
    skipped = {each.path.name: each.reason for each in collected(folder).skipped}
    assert skipped[".git"] == skipped["node_modules"] == "a folder of tools"
    assert "link" in skipped["link.py"]
    assert "foreign.py" not in {each.path.name for each in collected(folder).train}


def test_names_and_order_do_not_matter(folder: Path) -> None:
    before = collected(folder)
    (folder / "good0.py").rename(folder / "zzz.py")
    after = collected(folder, folder)
    assert after.digest == before.digest
    assert collected(folder, rules=Rules(seed=1, held_out=0.5)).digest != before.digest


documents = st.sets(st.text("0123456789abcdef", min_size=8, max_size=8), max_size=40).map(
    lambda digests: [Document(digest, "text", "code", Path("x")) for digest in sorted(digests)]
)


@given(documents, st.floats(0, 1), st.integers(0, 9))
def test_the_split_is_one_and_a_file_keeps_its_side(found, share: float, seed: int) -> None:
    rules = Rules(held_out=share, seed=seed)
    train, held_out = split(found, rules)
    assert sorted((*train, *held_out)) == found
    assert len(found) < 2 or held_out
    if len(held_out) > 1:  # not the one that is held out in any case
        fewer_train, fewer_held = split(
            [each for each in found if each is not train[0]] if train else found, rules
        )
        assert fewer_held == held_out
        assert set(fewer_train) <= set(train)
