"""The rows of the benchmark hold no answer."""

import random

import pytest

from benchmarks.summary_cases import is_told, mce_case, repository_cases, undocumented

CODE = '''class A:
    """Of A."""

    def f(self):
        """Of f."""
        return self.g()

    def g(self):
        """Of g."""
'''


def test_a_docstring_is_cut_out_and_the_code_stays() -> None:
    assert "Of f" not in undocumented(CODE, "f")
    assert "return self.g()" in undocumented(CODE, "f")
    assert "Of g" in undocumented(CODE, "f")
    bare = undocumented(CODE)
    assert '"""' not in bare
    compile(bare, "bare", "exec")


def test_the_context_of_a_row_does_not_say_what_is_asked_for() -> None:
    row = {"method_code": "def f(self):\n    return self.g()", "method_summary": "Of f.", "skeleton": CODE}
    case = mce_case(row, "skeleton")
    assert case.subject.name == "f"
    assert "Of g" in case.subject.context[0].text
    assert "Of f" not in case.subject.context[0].text


@pytest.mark.parametrize(
    ("shown", "told"), [(CODE, False), (CODE.replace("Of g", "OF  F"), True), (CODE + "def (", True)]
)
def test_a_row_that_says_what_is_asked_for_is_known(shown: str, told: bool) -> None:
    row = {"method_code": "def f(self):\n    return self.g()", "method_summary": "Of f."}
    assert is_told(row | {"skeleton": shown, "class_code": CODE}) is told


def test_a_repository_row_shows_callees_and_not_its_docstring() -> None:
    code = CODE.replace("Of f.", "Says what the method f is of.")
    rows = [{"repository": "r", "file": "a.py", "content": code}]
    (case,) = repository_cases(rows, 5, random.Random(1))
    assert case.reference == "Says what the method f is of."
    shown = case.subject.own + "".join(part.text for part in case.subject.context)
    assert "Says what" not in shown
    assert "def g(self)" in case.subject.context[1].text
    assert case.subject.known == ""


def test_a_repository_row_that_another_method_gives_away_is_left_out() -> None:
    said = "Says what the method f is of."
    code = CODE.replace("Of f.", said).replace("Of g.", said)
    rows = [{"repository": "r", "file": "a.py", "content": code}]
    assert repository_cases(rows, 5, random.Random(1)) == []
