"""Proposed docstrings: the program stays what it was, and the diff is one that applies."""

import ast
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.summaries.docstrings import as_diff, places, quoted, with_docstrings

CODE = '''import os


class A(
    object,
):
    @property
    def f(self): return 1

    def g(self):
        # why
        return 2

    class B:
        @staticmethod
        def h(): pass


def said():
    """Said."""
    def inner():
    \treturn 3


if True:
    async def é(a,
                b):
        @os
        def deep():
            pass


def w(): \\
    pass
'''
NAMES = ["A", "A.g", "A.B", "said.inner", "é"]


def without_docstrings(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return ast.dump(tree)


def test_definitions_without_one_on_lines_of_their_own() -> None:
    assert [each.qualified for each in places(CODE)] == [*NAMES, "é.deep"]


SUMMARIES = st.dictionaries(st.sampled_from([*NAMES, "said", "w"]), st.text(max_size=300))


@given(SUMMARIES)
def test_the_program_is_the_same_but_for_its_docstrings(summaries: dict[str, str]) -> None:
    after = with_docstrings(CODE, summaries)
    assert without_docstrings(after) == without_docstrings(CODE)
    left = {each.qualified for each in places(after)}
    for name, summary in summaries.items():
        assert name not in NAMES or not summary.replace("\0", "").split() or name not in left


@given(st.text(max_size=300).filter(lambda text: "\0" not in text and text.split()))
def test_a_docstring_says_the_summary(summary: str) -> None:
    made = ast.literal_eval(quoted(summary, "    ").strip())
    assert made.split() == summary.split()


@pytest.mark.parametrize("code", [CODE, CODE.rstrip("\n") + "\n\nx = 1"])
def test_the_diff_applies(tmp_path: Path, code: str) -> None:
    after = with_docstrings(code, {"A": "What 'A' is.", "é": 'Ends in "quotes"', "A.g": "Long. " * 60})
    file = tmp_path / "a b.py"
    file.write_text(code)
    diff = as_diff("a b.py", code, after)
    subprocess.run(["git", "apply", "-p1", "-"], input=diff, text=True, cwd=tmp_path, check=True)
    assert file.read_text() == after
    assert as_diff("a.py", code, code) == ""


def test_a_broken_program_is_refused() -> None:
    with pytest.raises(SyntaxError):
        with_docstrings("def f(:", {"f": "x"})
