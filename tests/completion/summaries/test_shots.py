"""Worked examples ask as the prompt asks, and fit every level."""

import pytest

from completion.summaries.levels import Budget, Level, Subject
from completion.summaries.prompting import question
from completion.summaries.shots import SHOTS


@pytest.mark.parametrize("level", Level)
def test_an_example_ends_with_the_question_of_its_level_and_an_answer(level: Level) -> None:
    asked = question(Subject(level, "NAME", "python"), (), (), budget=Budget(), count=len)
    before, _, after = asked.partition("NAME")
    wish, _, answer = SHOTS[level][-1].rpartition("\n\nSummary: ")
    assert before.splitlines()[-1] in wish
    assert wish.endswith(after)
    assert answer.endswith(".")
    assert "\n" not in answer
