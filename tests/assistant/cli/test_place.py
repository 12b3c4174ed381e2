"""PATH:LINE:COLUMN: reading it, and finding it in a text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.cli.errors import BadFile, BadPlace
from assistant.cli.place import LANGUAGES, Place, language_of, offset_of, parse_place, read_text

LINES = st.lists(
    st.tuples(st.text("aé🙂\t", min_size=1, max_size=5), st.sampled_from(["\n", "\r\n", "\r"])),
    min_size=1,
    max_size=6,
)


def test_a_path_may_hold_colons():
    assert parse_place("C:a:b.py:3:14") == Place(Path("C:a:b.py"), 3, 14)


@pytest.mark.parametrize(
    "argument", ["a.py", "a.py:1", ":1:2", "a.py:x:1", "a.py:1:-2", "a.py::", "a.py:²:1", ""]
)
def test_other_forms_are_refused(argument: str):
    with pytest.raises(BadPlace, match="PATH:LINE:COLUMN"):
        parse_place(argument)


def test_zero_is_refused():
    with pytest.raises(BadPlace, match="count from 1"):
        parse_place("a.py:0:1")


@given(lines=LINES, data=st.data())
def test_offsets_count_code_points_past_any_line_end(lines: list[tuple[str, str]], data: st.DataObject):
    joined = [line + end for line, end in lines[:-1]] + [lines[-1][0]]
    text = "".join(joined)
    index = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(1, len(lines[index][0]) + 1))
    expected = sum(map(len, joined[:index])) + column - 1
    assert offset_of(text, Place(Path("f"), index + 1, column)) == expected


def test_a_line_or_column_behind_the_end_is_refused():
    with pytest.raises(BadPlace, match="has 2 lines; there is no line 3"):
        offset_of("a\nb", Place(Path("f"), 3, 1))
    with pytest.raises(BadPlace, match="ends at column 2, not 3"):
        offset_of("a\r\nb", Place(Path("f"), 1, 3))


def test_a_byte_order_mark_is_not_text(tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert read_text(path, max_chars=100) == "x = 1\r\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff\xfe\x00", "not a text file"), (b"a\0b", "not a text file"), (b"x" * 11, "larger than 10")],
)
def test_what_is_no_text_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=sentence):
        read_text(path, max_chars=10)


def test_what_is_not_there_gets_a_sentence(tmp_path: Path):
    with pytest.raises(BadFile, match="No such file"):
        read_text(tmp_path / "none", max_chars=10)
    with pytest.raises(BadFile, match="Is a directory"):
        read_text(tmp_path, max_chars=10_000)


def test_languages():
    assert language_of(Path("a/b.PY")) == "python"
    assert language_of(Path("Makefile")) == "plaintext"
    assert language_of(Path("a.unknown")) == "plaintext"
    endings = [ending for _, group in LANGUAGES for ending in group.split()]
    assert len(endings) == len(set(endings))
