"""Plans: what is kept is equal, what is computed is all the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.plan import common_prefix, plan_exact

tokens = st.lists(st.integers(0, 3), max_size=30)


@given(tokens, tokens)
def test_the_common_prefix_is_common_and_longest(left: list[int], right: list[int]) -> None:
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]


@given(tokens, tokens.filter(bool))
def test_a_plan_tiles_the_wanted_sequence(cached: list[int], wanted: list[int]) -> None:
    plan = plan_exact(cached, wanted)
    assert [*range(plan.keep), *plan.compute] == list(range(len(wanted)))
    assert cached[: plan.keep] == wanted[: plan.keep]


@given(tokens.filter(bool), tokens)
def test_the_last_token_is_always_computed(wanted: list[int], more: list[int]) -> None:
    assert plan_exact(wanted + more, wanted).compute == range(len(wanted) - 1, len(wanted))


def test_nothing_wanted_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        plan_exact([1], [])
