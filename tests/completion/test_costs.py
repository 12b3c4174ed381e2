"""What passes cost is learnt from passes, so a budget of time becomes one of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.costs import StepCosts

seconds = st.floats(1e-5, 1.0)


@given(st.floats(1e-4, 1e-2), st.floats(0, 0.05), st.floats(1e-4, 1e-2))
def test_the_cost_of_a_row_is_found_whatever_was_guessed(guess: float, base: float, per_row: float) -> None:
    """A device where a pass takes ``base + rows * per_row``, and passes of every size."""
    costs = StepCosts(guess)
    for _ in range(80):
        for rows in (1, 16, 32, 64, 128):
            costs.note(rows, base + rows * per_row)
    assert costs.per_row_s == pytest.approx(per_row + base / 4 / 128, abs=base / 4 / 16 + per_row / 5)
    assert costs.rows_within(1.0) == int(1.0 / costs.per_row_s)


@given(st.lists(st.tuples(st.integers(1, 200), seconds), max_size=40), st.floats(1e-4, 1e-2))
def test_a_row_always_costs_something(notes: list[tuple[int, float]], guess: float) -> None:
    costs = StepCosts(guess)
    for rows, took in notes:
        costs.note(rows, took)
        assert costs.per_row_s > 0
    assert costs.rows_within(0.0) == 0
    assert costs.rows_within(1.0) <= costs.rows_within(2.0)


def test_before_anything_was_measured_the_guess_holds() -> None:
    assert StepCosts(0.01).rows_within(0.1) == 10
    assert StepCosts(0.01).rows_within(0.1) < StepCosts(0.001).rows_within(0.1)


def test_passes_of_few_rows_say_nothing_about_a_row() -> None:
    costs = StepCosts(0.01)
    for rows in (2, 8, 15):
        costs.note(rows, 5.0)
    assert costs.per_row_s == 0.01


def test_a_pass_of_one_row_is_what_all_passes_take_at_least() -> None:
    """Where the weights take longest, more rows are nearly free."""
    patient, knowing = StepCosts(0.01), StepCosts(0.01)
    knowing.note(1, 0.09)
    for costs in (patient, knowing):
        costs.note(100, 0.10)
    assert knowing.per_row_s < patient.per_row_s < 0.01


def test_one_slow_pass_does_not_change_the_picture_much() -> None:
    costs = StepCosts(0.001)
    costs.note(100, 0.2)
    assert costs.per_row_s == pytest.approx(0.0012)
