"""Counts of a report tile the prompt; that plans count right is in test_plan."""

from hypothesis import given
from hypothesis import strategies as st

from kvcache.report import ReuseReport

count = st.integers(0, 5_000)


@given(count, count, count)
def test_counts_tile_the_prompt(kept: int, shifted: int, computed: int) -> None:
    report = ReuseReport(kept=kept, shifted=shifted, computed=computed, repaired=computed // 2)
    assert report.prompt == kept + shifted + computed


@given(count, count)
def test_an_answer_is_exact_when_nothing_was_stale(shifted: int, stale: int) -> None:
    """A token that was moved and made exact since is exact."""
    assert ReuseReport(shifted=shifted, stale=stale).exact == (stale == 0)
