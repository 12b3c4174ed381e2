"""Repair: a budget's worth of kept tokens behind a change, the best first."""

from hypothesis import given
from hypothesis import strategies as st

from kvcache.matching import Match
from kvcache.plan import Plan, plan_reuse
from kvcache.repair import SEAM, Budget, repaired
from kvcache.spans import Role, TaggedTokens
from tests.prompts import Parts, documents, edits, roles

PREFIX, SUFFIX = tuple(range(1_000, 1_300)), tuple(range(2_000, 2_200))
OLD = Parts(prefix=PREFIX, suffix=SUFFIX, tail=(1, 2))
EDITED = Parts(prefix=(*PREFIX[:50], 7, *PREFIX[50:]), suffix=SUFFIX, tail=(1, 2))
"""One token came: in EDITED the prefix stands at 1 to 302, the suffix from 303 on."""


@st.composite
def edited(draw: st.DrawFn) -> Plan:
    """The plan that some edits ask for."""
    old = new = draw(documents(most=120))
    for edit in draw(st.lists(edits(), min_size=1, max_size=3)):
        new = edit(new)
    return plan_reuse(old.prompt, new.prompt)


ranges = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 20)).map(lambda at: range(at[0], sum(at))))


def taken(plan: Plan) -> set[int]:
    return {at for part in plan.repairs for at in part}


def edit_plan() -> Plan:
    return plan_reuse(OLD.prompt, EDITED.prompt)


def kept_behind(plan: Plan) -> list[range]:
    """The runs kept behind the first change: the only candidates."""
    runs = [run for run in plan.kept if run.old or run.new]
    return [range(run.new, run.new + run.length) for run in runs]


@given(edited(), st.integers(0, 300), ranges)
def test_the_budget_holds_and_only_kept_tokens_behind_a_change_are_taken(
    plan: Plan, tokens: int, uses: list[range]
) -> None:
    result = repaired(plan, Budget(tokens), uses)
    candidates = {at for part in kept_behind(plan) for at in part}
    assert len(taken(result)) == result.repaired <= tokens
    assert taken(result) <= candidates
    assert result.kept == plan.kept
    assert result.wanted == plan.wanted
    assert result.cost == plan.cost + result.repaired


@given(edited(), st.integers(0, 300), ranges)
def test_the_seams_come_first_then_the_uses(plan: Plan, tokens: int, uses: list[range]) -> None:
    seams = {at for part in kept_behind(plan) for at in part[:SEAM]}
    used = {at for part in kept_behind(plan) for use in uses for at in part if at in use} - seams
    got = taken(repaired(plan, Budget(tokens), uses))
    assert len(got & seams) == min(tokens, len(seams))
    assert len(got & used) == min(max(tokens - len(seams), 0), len(used))


@given(edited(), st.integers(0, 200))
def test_a_larger_budget_takes_the_same_and_more(plan: Plan, tokens: int) -> None:
    less, more = (taken(repaired(plan, Budget(budget))) for budget in (tokens, tokens + 1))
    assert less <= more
    assert len(more) <= len(less) + 1


@given(documents(), st.lists(st.integers(0, 9), max_size=9).map(tuple))
def test_typing_needs_no_repair(parts: Parts, typed: tuple[int, ...]) -> None:
    new = Parts(parts.context, parts.prefix, parts.suffix, parts.tail + typed, parts.suffix_first)
    plan = plan_reuse(parts.prompt, new.prompt)
    assert repaired(plan, Budget(100), [range(len(plan.wanted))]) == plan


def test_the_order_is_seams_uses_cursor_and_the_rest_of_the_seams() -> None:
    plan = edit_plan()
    seams = {*range(52, 60), *range(303, 311)}
    use = range(100, 105)
    assert taken(repaired(plan, Budget(16), [use])) == seams
    assert taken(repaired(plan, Budget(21), [use])) == seams | set(use)
    nearest = {*range(292, 302)}
    assert taken(repaired(plan, Budget(31), [use])) == seams | set(use) | nearest
    everything = taken(repaired(plan, Budget(10_000), [use]))
    assert seams | set(use) | set(range(206, 302)) | set(range(303, 351)) <= everything
    assert set(range(60, 84)) <= everything
    assert everything.isdisjoint(range(110, 200))


def test_no_budget_and_nothing_kept_need_no_repair() -> None:
    plan = edit_plan()
    assert repaired(plan, Budget(0)).repairs == ()
    cold = plan_reuse(TaggedTokens(), EDITED.prompt)
    assert repaired(cold, Budget(50), [range(10)]).repairs == ()


def test_a_block_in_front_that_went_away_leaves_a_seam() -> None:
    old = Parts(context=(5, 6), prefix=PREFIX, tail=(1,)).prompt
    new = Parts(prefix=PREFIX, tail=(1,)).prompt
    plan = plan_reuse(old, new)
    assert plan.kept[1] == Match(3, 1, len(PREFIX))
    got = repaired(plan, Budget(SEAM))
    assert got.repairs == (range(1, 1 + SEAM),)
    assert {roles(new)[at][1] for at in taken(got)} == {Role.PREFIX}
