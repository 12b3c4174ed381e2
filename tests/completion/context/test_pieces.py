"""What a text costs, about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.context.pieces import tokens_of


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("value", 1),
        ("values", 2),
        ("a_name", 3),
        ("f(x)", 4),
        ("12345", 5),
        ("a\n    b", 3),
        ("éé", 4),
    ],
)
def test_examples(text: str, tokens: int):
    assert tokens_of(text) == tokens


@given(st.text(), st.text())
def test_a_text_costs_no_more_than_its_halves(a: str, b: str):
    assert tokens_of(a + b) <= tokens_of(a) + tokens_of(b)


@given(st.text(min_size=1))
def test_nothing_is_free(text: str):
    assert tokens_of(text) >= 1
