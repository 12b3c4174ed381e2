"""What is left of a completion beside what stands behind the cursor (``|``)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.trimming import trim

FITTING = [
    # brackets and quotes an editor closed by itself
    ("foo(|)", "x)", "x"),
    ("foo(|)", "x", "x"),
    ("foo(|)", "bar(x)", "bar(x)"),
    ("foo(|)", "bar(x))", "bar(x)"),
    ("foo(bar(|)", "x)", "x)"),
    ("foo(bar(|))", "x))", "x"),
    ("foo(|);", "a, b);", "a, b"),
    ("foo(|);", "a, b)", "a, b"),
    ("foo(|)", "a, b);", "a, b"),
    ("foo(|, b)", "a, b)", "a"),
    ("foo(|, b)", "a,", "a"),
    ('print("|")', 'hello")', "hello"),
    ('print("|")', 'hello"', "hello"),
    ('print("|")', "hello", "hello"),
    ('x = "|"', 'a" + b + "c', 'a" + b + "c'),
    ('x = "|"', 'a" + b + "c"', 'a" + b + "c'),
    ("a[|]", "i]", "i"),
    ("a[|]", "b[i]", "b[i]"),
    ("x = {|}", "'a': 1}", "'a': 1"),
    ("items.map(|)", "(x) => {\n  return x;\n})", "(x) => {\n  return x;\n}"),
    ("items.map(|);", "(x) => {\n  return x;\n});", "(x) => {\n  return x;\n}"),
    ("function f() {|}", "\n  return 1;\n", "\n  return 1;\n"),
    ("function f() {|}", "\n  return 1;\n}", "\n  return 1;\n"),
    ("<div>|</div>", "text</div>", "text"),
    # the rest of the line
    ("x = | + 1", "y + 1", "y"),
    ("x = |y + 1", "y + 1", ""),
    ("f(|a)", "data", "data"),
    ("x = |;", "1;", "1"),
    ("for (|) {", "const a of b) {", "const a of b"),
    ("def f(|):", "a, b):", "a, b"),
    ("return |a", "b + ", "b + "),
    ("return | a", "b + ", "b +"),
    # lines that are there already
    ("if a:\n    |\nreturn x", "foo()\nreturn x", "foo()"),
    ("if (a) {\n  |\n}", "b();\n}", "b();"),
    ("if (a) {\n  |\n}\nc();\n", "b();\n}\nc();", "b();"),
    ("    |\n    return x", "return x", ""),
    ("    a = 1\n    |\n\n    return x\n", "b = 2\n    return x\n", "b = 2"),
    ("x = [\n    1,\n    |\n]", "2,\n    3,\n]", "2,\n    3,"),
    ("brea|\nbreak", "k", "k"),
    ("    |\n  return x", "return x", "return x"),
    ("|\nb", "a\nb\nc", "a\nb\nc"),
    ("if a:\n|if b:\n    return x", "    return x", "    return x"),
    # blank space
    ("x = |", "1  \n\n", "1"),
    ("x = |\n", "  \n\n  ", ""),
    ("|", "\n    return 1\n    ", "\n    return 1"),
    ("", "", ""),
]


def trimmed(document: str, text: str) -> str:
    before, _, after = document.partition("|")
    return trim(text, before=before, after=after)


@pytest.mark.parametrize(("document", "text", "kept"), FITTING)
def test_it_fits_what_follows(document: str, text: str, kept: str) -> None:
    assert trimmed(document, text) == kept


CODE = st.text(alphabet="ab(){};,'\" \n", max_size=40)


@given(CODE, CODE, CODE)
def test_it_only_takes_away_from_the_end(before: str, text: str, after: str) -> None:
    assert text.startswith(trim(text, before=before, after=after))


@given(CODE, CODE, CODE)
def test_once_is_enough(before: str, text: str, after: str) -> None:
    once = trim(text, before=before, after=after)
    assert trim(once, before=before, after=after) == once


@given(CODE, st.text(alphabet=" \n\t"), CODE)
def test_nothing_but_blank_space_is_nothing(before: str, text: str, after: str) -> None:
    assert trim(text, before=before, after=after) == ""


@given(CODE, st.text(alphabet="abc ", min_size=1).map(lambda text: text + "x"))
def test_at_the_end_of_a_document_every_visible_character_stays(before: str, text: str) -> None:
    assert trim(text, before=before, after="") == text
