import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.shape import (
    Brackets,
    brackets,
    closes_block,
    closing,
    goes_on,
    in_docstring,
    indentation,
    last_content,
    may_close_block,
    next_content,
    opens_block,
)


@pytest.mark.parametrize(
    ("line", "width"), [("x", 0), ("  x", 2), ("\tx", 4), ("  \tx", 4), ("\t  x", 6), ("", 0)]
)
def test_indentation_counts_columns(line: str, width: int) -> None:
    assert indentation(line) == width


@pytest.mark.parametrize(
    ("language", "line", "opens"),
    [
        ("python", "def f(a):", True),
        ("python", "if a:  # really", True),
        ("python", "x = 1", False),
        ("python", "x = {", True),
        ("c", "while (1) {  // forever", True),
        ("c", "#include <stdio.h>", False),
        ("javascript", "const f = () =>", True),
        ("javascript", 'fetch("http://x.y")', False),
        ("ruby", "def add(a, b)", True),
        ("ruby", "items.each do |item|", True),
        ("ruby", "def add(a) = a end", False),
        ("lua", "if a then", True),
        ("javascript", "if a then", False),
        ("html", "<ul class='a'>", True),
        ("html", "<br>", False),
        ("html", "<p>a</p>", False),
        ("html", "<img src='a' />", False),
        ("java", "List<String>", False),
    ],
)
def test_a_block_is_opened(language: str, line: str, *, opens: bool) -> None:
    assert opens_block(line, language) is opens


@pytest.mark.parametrize(
    ("language", "line", "more"),
    [
        ("python", "x = f(a,", True),
        ("python", "x = a + \\", True),
        ("python", "x = a", False),
        ("javascript", "x = a", None),
        ("javascript", "x = a;", False),
        ("javascript", "// a comment", False),
    ],
)
def test_a_statement_goes_on(language: str, line: str, *, more: bool | None) -> None:
    assert goes_on(line, language) is more


@pytest.mark.parametrize(
    ("language", "line", "closes"),
    [
        ("c", "  } else {", True),
        ("python", ")", True),
        ("html", "</p>", True),
        ("ruby", "end", True),
        ("c", "end = 1", False),
        ("ruby", "ending = 1", False),
        ("html", "<p>", False),
    ],
)
def test_a_block_is_closed(language: str, line: str, *, closes: bool) -> None:
    assert closes_block(line, language) is closes


@pytest.mark.parametrize(
    ("language", "start", "may"),
    [("html", "<", True), ("ruby", "en", True), ("c", "en", False), ("html", "<p", False)],
)
def test_the_start_of_a_line_may_become_a_closing_one(language: str, start: str, *, may: bool) -> None:
    assert may_close_block(start, language) is may


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a[1], {", Brackets("({")),
        ("a)]", Brackets("", ")]")),
        ("f(')', \"(\")", Brackets()),
        ("'it", Brackets("", "", "'")),
        ("'it\n(", Brackets("(")),
        ("`a\n(", Brackets("", "", "`")),
        (r"'a\'(' (", Brackets("(")),
        ("( [ )", Brackets()),
    ],
)
def test_brackets_are_matched_outside_of_strings(text: str, expected: Brackets) -> None:
    assert brackets(text) == expected


def test_docstrings_are_a_matter_of_python() -> None:
    assert in_docstring('def f():\n    """Add', "python")
    assert not in_docstring('def f():\n    """Add"""', "python")
    assert not in_docstring('"""', "c")


def test_the_nearest_lines_that_are_not_blank() -> None:
    assert last_content("a\n  b  \n\n  ") == "  b"
    assert last_content("") == ""
    assert next_content("rest\n\n   \n  c\nd") == "  c"
    assert next_content("rest\n c") == " c"
    assert next_content("rest\n  \n") == ""
    assert next_content("rest") == ""


@pytest.mark.parametrize(
    ("opener", "text", "index"),
    [
        ("(", "a)b)", 1),
        ("(", "(a), b", None),
        ("(", "')')", 3),
        ("(", "{)", 1),
        ("'", "a\\'b'c", 4),
        ("'", "\n", 0),
    ],
)
def test_where_an_opener_is_closed(opener: str, text: str, index: int | None) -> None:
    assert closing(opener, text) == index


@given(st.sampled_from("([{\"'`"), st.text(alphabet="a()[]{}'\"`\\\n", max_size=30))
def test_it_is_closed_where_nothing_is_left_open_for_the_first_time(opener: str, text: str) -> None:
    left = [brackets(opener + text[: index + 1]) for index in range(len(text))]
    closed = [index for index, state in enumerate(left) if not state.open and not state.quote]
    assert closing(opener, text) == (closed[0] if closed else None)
