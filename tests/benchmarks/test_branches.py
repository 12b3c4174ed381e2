"""The simulated target of trees beside chains."""

import pytest

from benchmarks.branches import Case, paying, simulate
from drafts.draft import ROOT, Draft
from kvcache.spans import Role, tagged

FLAT = [1.0] * 9
STEEP = [float(1 + rows) for rows in range(9)]
RUN = (1, 2, 3, 4, 5, 6, 7)
FORKED = tagged([(Role.PREFIX, (10, *RUN, 11, 1, 2, 3, 9, 5, 6, 7, 12, 1, 2))])
"""Behind ``1 2 3`` comes 4 or 9."""


def test_what_repeats_itself_takes_fewer_passes() -> None:
    case = Case("d", tagged([(Role.PREFIX, (*RUN, 8, 1))]), RUN[1:])
    count = simulate([case], FLAT, branches=1, whole=True)
    assert count.tokens == len(RUN) - 2
    assert count.passes < count.tokens
    assert count.seconds == count.passes


@pytest.mark.parametrize("branches", [1, 2, 3])
@pytest.mark.parametrize("each", [4, 9])
def test_branches_change_nothing_that_is_said(branches: int, each: int) -> None:
    count = simulate([Case("d", FORKED, (3, each, 5, 6, 7, 8))], FLAT, branches=branches, whole=True)
    assert count.tokens == 5
    assert count.drafted > 0
    assert count.passes < count.tokens


def test_only_rows_that_pay_are_sent() -> None:
    draft = Draft("d", (1, 2, 3), (ROOT, ROOT, 0), (0.6, 0.3, 0.5))
    assert paying(draft, FLAT) == draft
    assert len(paying(draft, STEEP)) == 0
    assert paying(draft, [1.0, 1.1, 2.0, 3.0]).tokens == (1,)
    assert paying(Draft("d"), FLAT).tokens == ()


@pytest.mark.parametrize("branches", [1, 2])
def test_nothing_pays_where_each_row_costs_a_step(branches: int) -> None:
    count = simulate([Case("d", FORKED, (3, 4, 5, 6))], STEEP, branches=branches, whole=False)
    assert (count.passes, count.drafted) == (3, 0)
