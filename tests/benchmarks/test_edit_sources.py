import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.edit_sources import Change, Record, far_uses, lines_with, new_name, read_records, undone


def record(text: str, language: str = "python") -> Record:
    return Record("r@c:p", "p", language, tuple(text.split("\n")), ())


def row(before: str, after: str, hunks: list[list[int]]) -> dict[str, object]:
    fixed = {"repo": "owner/name", "commit": "0123456789abcdef", "path": "a.py", "language": "python"}
    return {**fixed, "before": before, "after": after, "hunks": hunks}


def saved(folder: Path, *rows: dict[str, object]) -> Path:
    file = folder / "edits.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    return file


def test_hunks_become_changes_of_the_final_lines(tmp_path: Path) -> None:
    hunks = [[1, 1, 1, 2], [3, 2, 4, 4], [4, 4, 6, 5]]
    (found,) = read_records(saved(tmp_path, row("a\nb\nc\nd\ne", "A\nA\nb\nnew\nc\ne", hunks)))
    assert found.name == "owner/name@01234567:a.py"
    assert found.changes == (Change(0, 2, ("a",)), Change(3, 4), Change(5, 5, ("d",)))
    assert [each.inserts for each in found.changes] == [False, True, False]
    assert [each.deletes for each in found.changes] == [False, False, True]
    assert "\n".join(undone(found.lines, found.changes)) == "a\nb\nc\nd\ne"
    assert sum(map(found.size, found.changes)) == len("A\nA\nb\nnew\nc\ne") - len("a\nb\nc\nd\ne")


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    (found,) = read_records(saved(tmp_path, row("a\u2028b\x0c\r\nc", "a\u2028b\x0c\r\nd", [[2, 2, 2, 2]])))
    assert found.lines == ("a\u2028b\x0c\r", "d")
    assert found.offsets == (0, 6, 8)


def test_hunks_that_fit_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="owner/name@01234567"):
        read_records(saved(tmp_path, row("a\nb", "a\nc", [[1, 1, 1, 1]])))


def test_a_record_without_hunks_is_refused_by_the_field(tmp_path: Path) -> None:
    bare = row("a", "a", [])
    del bare["hunks"]
    with pytest.raises(ValueError, match="hunks"):
        read_records(saved(tmp_path, bare))


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        (
            "python",
            'def f():\n    """Of\n    prose."""\n    # so\n    return 1',
            [True, False, False, False, True],
        ),
        ("python", 'def f():\n    """Short."""\n    return 1', [True, False, True]),
        (
            "rust",
            '/*! Long\nprose\n*/\nuse a;\nlet glob = "**/*";\nb();',
            [False, False, False, True, True, True],
        ),
        ("go", "// Prose.\nfunc f() {", [False, True]),
    ],
)
def test_prose_is_no_code(language: str, text: str, code: list[bool]) -> None:
    assert list(record(text, language).code) == code


@pytest.mark.parametrize("rest", ["", "}", "    ", "})", "ab", "1 + 2", "x" * 101])
def test_a_line_that_says_nothing_is_not_worth_asking_for(rest: str) -> None:
    assert not record(f"    {rest}").worth(0, 4)


@given(
    st.integers(0, 2**32),
    st.sampled_from(["    return parse(line)", "x = compute(y)", "\tif err != nil {", "}"]),
)
def test_a_column_is_behind_the_indentation_and_leaves_something(seed: int, line: str) -> None:
    found = record(line)
    column = found.column(0, random.Random(seed))
    if column is None:
        assert line == "}"
    else:
        assert len(line) - len(line.lstrip()) <= column
        assert found.worth(0, column)


@pytest.mark.parametrize(
    ("language", "line", "name"),
    [
        ("python", "def read_line(path):", "read_line"),
        ("python", "    async def _send_all(self):", "_send_all"),
        ("python", "MAX_SIZE: Final[int] = 3", "MAX_SIZE"),
        ("python", "    old_url = request.url", "old_url"),
        ("go", "func (c *Command) runHooks(a int) error {", "runHooks"),
        ("go", "\trootCmd := &Command{}", "rootCmd"),
        ("rust", "    pub(crate) fn is_absolute(&self) -> bool {", "is_absolute"),
        ("rust", "        let mut line_term = 3;", "line_term"),
        ("typescript", "export type ParseResult = string;", "ParseResult"),
        ("typescript", "export async function parseAll(x) {", "parseAll"),
    ],
)
def test_definitions_are_found(language: str, line: str, name: str) -> None:
    (found,) = record(line, language).definitions
    assert found.name == name
    assert line[: found.column].endswith(name)


@pytest.mark.parametrize(
    "line", ["data = 1", "f(old_url=1)", "if old_url == 1:", "def __init__(self):", "# def so_on():"]
)
def test_what_defines_no_particular_name_is_none(line: str) -> None:
    assert not record(line).definitions


def test_far_uses_count_what_else_tells_the_name() -> None:
    lines = [
        "old_name = 1",
        "print(old_name)",
        "print(old_names, old_name_)",
        "return old_name",
        "old_name = 2",
    ]
    found = list(far_uses(record("\n".join([*lines, "print(old_name)"])), 0, 1_000))
    assert [(each.definition.line, each.line, each.clutter) for each in found] == [
        (0, 1, 1),
        (0, 3, 2),
        (4, 5, 1),
    ]
    text = "old_name = 1\n\nprint(old_name)"
    distance = text.index("old_name)") - len("old_name")
    assert list(far_uses(record(text), distance, distance))
    assert not list(far_uses(record(text), distance + 1, 1_000))
    assert not list(far_uses(record(text), 0, distance - 1))


def test_lines_that_hold_a_name_are_told_by_their_places() -> None:
    text = "a b\nab\n(b)\nb"
    assert [text[start:stop] for start, stop in lines_with(text, "b", but=3)] == ["a b", "(b)"]


@pytest.mark.parametrize(
    ("old", "pattern"),
    [
        ("read_line", r"[a-z]+_line"),
        ("_read_line", r"_[a-z]+_line"),
        ("MAX_SIZE", r"[A-Z]+_SIZE"),
        ("rootCmd", r"[a-z]+Cmd"),
        ("URLPattern", r"[A-Z][a-z]+Pattern"),
        ("Auth", r"[A-Z][a-z]+Auth"),
    ],
)
def test_a_new_name_has_the_style_of_the_old(old: str, pattern: str) -> None:
    name = new_name(old, record(old), random.Random(1))
    assert re.fullmatch(pattern, name)
    assert new_name(old, record(f"{old} {name}"), random.Random(1)) != name
