"""A suggestion made for a document, and the documents that typing makes of it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.typeahead import Suggestion, remaining


def left(document: str, suggestion: str, now: str) -> str | None:
    """``document`` and ``now`` show the cursor as ``|``."""
    before, after = document.split("|")
    return remaining(Suggestion(before, suggestion, after), now.replace("|", ""), now.index("|"))


@pytest.mark.parametrize(
    ("document", "suggestion", "now", "rest"),
    [
        ("x = |", "foo(1)", "x = |", "foo(1)"),
        ("x = |", "foo(1)", "x = fo|", "o(1)"),
        ("x = |", "foo(1)", "x = foo(1)|", ""),
        ("x = |", "foo(1)", "x = foo(1) |", None),
        ("x = |", "foo(1)", "x = fa|", None),
        ("x = |", "foo(1)", "x =|", None),
        ("x = |", "foo(1)", "y = |", None),
        ("x = |\ny", "foo(1)", "x = f|\ny", "oo(1)"),
        ("x = |\ny", "foo(1)", "x = f|\nz", None),
        ("x = |\ny", "foo(1)", "x = f\n|y", None),
        ("f():|", "\n    return 1\n", "f():\n    re|", "turn 1\n"),
        # the editor closed a bracket or a quote
        ("x = |", "foo(a, b)", "x = foo(|)", "a, b"),
        ("x = |", "foo(a, b)", "x = foo(a|)", ", b"),
        ("x = |", "foo(a, b).c", "x = foo(|)", "a, b"),
        ("x = |", "foo(a, b).c", "x = foo(a, b)|", ".c"),
        ("x = |", "foo(g(a), b);", "x = foo(|)", "g(a), b"),
        ("x = |", "foo(g(a), b);", "x = foo(g(|))", "a"),
        ("x = |", "foo(g(a), b);", "x = foo(g(a)|)", ", b"),
        ("x = |", "'a' + b", "x = '|'", "a"),
        ("x = |", "['a']", "x = ['|']", "a"),
        ("x = |", "f(')')", "x = f(|)", "')'"),
        ("x = |", "foo(a, b)", "x = foo(|]", None),
        ("x = |", "foo(a, b)", "x = foo|)", None),
        ("x = |", "foo", "x = f|  ", None),
        # Enter between two brackets
        ("f() {|}", "\n  return 1;\n", "f() {\n  |\n}", "return 1;"),
        ("f() |", "{\n  return 1;\n}", "f() {\n  |\n}", "return 1;"),
    ],
)
def test_typing_along(document: str, suggestion: str, now: str, rest: str | None) -> None:
    assert left(document, suggestion, now) == rest


def test_a_long_suggestion_is_read_once() -> None:
    inside = "foo(a, b)\n" * 2_000
    start = time.process_time()
    assert left("x = |", f"({inside})", "x = (|)") == inside
    assert time.process_time() - start < 2  # read anew for every character it would take 10 s


TEXT = st.text(alphabet="ab()'\n ", max_size=20)


@given(TEXT, TEXT, TEXT, st.data())
def test_typed_and_remaining_make_the_suggestion(
    before: str, suggestion: str, after: str, data: st.DataObject
) -> None:
    typed = suggestion[: data.draw(st.integers(0, len(suggestion)))]
    rest = remaining(Suggestion(before, suggestion, after), before + typed + after, len(before + typed))
    assert rest is not None
    assert typed + rest == suggestion


@given(TEXT, TEXT, TEXT, TEXT, st.data())
def test_what_it_answers_continues_the_document_at_the_cursor(
    before: str, suggestion: str, after: str, text: str, data: st.DataObject
) -> None:
    """Whatever the document has become: with the answer it starts like the suggestion did."""
    cursor = data.draw(st.integers(0, len(text)))
    rest = remaining(Suggestion(before, suggestion, after), text, cursor)
    if rest is not None:
        assert (before + suggestion).startswith(text[:cursor] + rest)
        assert text[cursor:].endswith(after)


@given(TEXT, TEXT, TEXT, st.text(alphabet="xyz", min_size=1))
def test_other_text_ends_it(before: str, suggestion: str, after: str, other: str) -> None:
    text = before + other + after
    assert remaining(Suggestion(before, suggestion, after), text, len(before + other)) is None
