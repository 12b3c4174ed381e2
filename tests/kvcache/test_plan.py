"""Plans: what is kept is equal in text and role, what is computed is all the rest."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.matching import Match
from kvcache.plan import Plan, merged, plan_cold, plan_exact, plan_reuse
from kvcache.spans import Role, TaggedTokens, common_front, tagged
from tests.prompts import MARKERS, Parts, documents, edits, histories, roles

PREFIX, SUFFIX = tuple(range(100, 150)), tuple(range(200, 240))
PARTS = Parts(prefix=PREFIX, suffix=SUFFIX, tail=(1, 2, 3))


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Parts, Parts]:
    """A document and what some edits make of it."""
    old = new = draw(documents())
    for edit in draw(st.lists(edits(), max_size=3)):
        new = edit(new)
    return old, new


@st.composite
def plans(draw: st.DrawFn) -> tuple[TaggedTokens, Plan]:
    """Any plan, and the tokens it was made from."""
    old, new = draw(neighbours())
    held = draw(st.sampled_from([old.prompt, TaggedTokens()]))
    exact = draw(st.integers(0, len(held)))
    makers: list[Callable[[], Plan]] = [
        lambda: plan_cold(held, new.prompt),
        lambda: plan_exact(held, new.prompt, exact=exact),
        lambda: plan_reuse(held, new.prompt),
    ]
    return held, draw(st.sampled_from(makers))()


def kept_positions(plan: Plan) -> list[int]:
    return [run.new + at for run in plan.kept for at in range(run.length)]


def some_ranges(plan: Plan, draw: Callable[[st.SearchStrategy[int]], int]) -> list[range]:
    """Ranges of kept positions, overlapping and touching ones among them."""
    spans = [range(run.new, run.new + run.length) for run in plan.kept]
    return [part[draw(st.integers(0, 5)) : draw(st.integers(0, 12))] for part in [*spans, *spans]]


@given(plans())
def test_a_plan_tiles_the_wanted_sequence(made: tuple[TaggedTokens, Plan]) -> None:
    """Kept runs and gaps, in order, are the whole; each kept token is the token it stands for."""
    held, plan = made
    gaps = [position for gap in plan.gaps for position in gap]
    assert sorted(kept_positions(plan) + gaps) == list(range(len(plan.wanted)))
    assert plan.held == len(held)
    reached = 0
    for run in plan.kept:
        assert run.old >= reached
        reached = run.old + run.length
        new = roles(plan.wanted)[run.new : run.new + run.length]
        assert roles(held)[run.old : reached] == new


@given(plans())
def test_the_last_wanted_token_is_computed(made: tuple[TaggedTokens, Plan]) -> None:
    _, plan = made
    assert plan.compute[-1] == len(plan.wanted) - 1


@given(plans())
def test_behind_the_first_change_no_marker_and_no_tail_is_kept(made: tuple[TaggedTokens, Plan]) -> None:
    _, plan = made
    behind = [roles(plan.wanted)[at][1] for at in kept_positions(plan) if at >= plan.unchanged]
    assert Role.MARKER not in behind
    assert Role.TAIL not in behind


@given(plans(), st.data())
def test_the_report_tiles_the_prompt(made: tuple[TaggedTokens, Plan], data: st.DataObject) -> None:
    """Counted token by token."""
    _, bare = made
    plan = bare.with_repairs(some_ranges(bare, data.draw))
    exact = data.draw(st.integers(0, len(plan.wanted)))
    shift = {run.new + at: run.new - run.old for run in plan.kept for at in range(run.length)}
    cached = {at: moved for at, moved in shift.items() if at not in set(plan.compute)}
    report = plan.report(exact)
    assert report.kept == sum(not moved for moved in cached.values())
    assert report.shifted == sum(bool(moved) for moved in cached.values())
    assert report.computed == len(plan.compute) == len(set(plan.compute)) == plan.cost
    assert report.repaired == len(set(plan.compute).intersection(shift)) == plan.repaired <= report.computed
    assert report.stale == sum(at >= exact for at in cached)
    assert report.prompt == report.kept + report.shifted + report.computed == len(plan.wanted)


@given(neighbours(), st.data())
def test_exact_keeps_the_common_front_as_far_as_it_is_exact(
    pair: tuple[Parts, Parts], data: st.DataObject
) -> None:
    held, wanted = (parts.prompt for parts in pair)
    exact = data.draw(st.integers(0, len(held)))
    plan = plan_exact(held, wanted, exact=exact)
    longest = min(exact, common_front(held, wanted), len(wanted) - 1)
    assert plan.unchanged == longest
    assert plan.kept == ((Match(0, 0, longest),) if longest else ())


@given(neighbours())
def test_cold_keeps_nothing_and_reuse_at_least_what_is_common(pair: tuple[Parts, Parts]) -> None:
    held, wanted = (parts.prompt for parts in pair)
    assert plan_cold(held, wanted).kept == ()
    reuse = plan_reuse(held, wanted)
    assert reuse.unchanged == min(common_front(held, wanted), len(wanted) - 1)
    assert reuse.cost <= plan_exact(held, wanted, exact=len(held)).cost


@given(documents(), st.lists(st.integers(0, 9), min_size=1, max_size=9).map(tuple))
def test_typing_keeps_everything(parts: Parts, typed: tuple[int, ...]) -> None:
    wanted = Parts(parts.context, parts.prefix, parts.suffix, parts.tail + typed, parts.suffix_first).prompt
    plan = plan_reuse(parts.prompt, wanted)
    assert plan.compute == tuple(range(len(parts.prompt), len(wanted)))
    assert plan.report(len(wanted)).exact


@given(histories())
def test_equal_wishes_are_met_by_one_token(story: list[Parts]) -> None:
    for parts in story:
        assert plan_reuse(parts.prompt, parts.prompt).compute == (len(parts.prompt) - 1,)


def test_an_insertion_shifts_what_is_behind_it() -> None:
    new = Parts(prefix=(*PREFIX[:20], 7, 8, *PREFIX[20:]), suffix=SUFFIX, tail=PARTS.tail)
    plan = plan_reuse(PARTS.prompt, new.prompt)
    assert plan.kept == (Match(0, 0, 21), Match(21, 23, 30), Match(52, 54, 40))
    assert plan.gaps == (range(21, 23), range(53, 54), range(94, 98))


def test_a_deletion_shifts_back_and_computes_no_text() -> None:
    new = Parts(prefix=PREFIX[:20] + PREFIX[25:], suffix=SUFFIX, tail=PARTS.tail)
    plan = plan_reuse(PARTS.prompt, new.prompt)
    assert plan.kept == (Match(0, 0, 21), Match(26, 21, 25), Match(52, 47, 40))
    assert [roles(plan.wanted)[at][1] for at in plan.compute] == [Role.MARKER] * 2 + [Role.TAIL] * 3


def test_edits_in_several_places_keep_what_is_between_them() -> None:
    prefix = (*PREFIX[:10], 7, *PREFIX[10:30], *PREFIX[32:])
    new = Parts(prefix=prefix, suffix=(*SUFFIX[:20], 8, *SUFFIX[20:]), tail=PARTS.tail)
    plan = plan_reuse(PARTS.prompt, new.prompt)
    text = [
        roles(plan.wanted)[at] for at in plan.compute if roles(plan.wanted)[at][1] in ("prefix", "suffix")
    ]
    assert text == [(7, Role.PREFIX), (8, Role.SUFFIX)]


def test_another_block_in_front_shifts_the_file() -> None:
    old = Parts(context=(5, 6, 7), prefix=PREFIX, suffix=SUFFIX, tail=(1,))
    new = Parts(context=(8, 9), prefix=PREFIX, suffix=SUFFIX, tail=(1,))
    plan = plan_reuse(old.prompt, new.prompt)
    assert plan.kept == (Match(0, 0, 1), Match(4, 3, 50), Match(55, 54, 40))
    assert plan.report(0).shifted == len(PREFIX) + len(SUFFIX)


def test_lines_that_changed_their_role_are_computed() -> None:
    """The cursor jumps over five tokens: they were suffix and are prefix now."""
    new = Parts(prefix=PREFIX + SUFFIX[:5], suffix=SUFFIX[5:], tail=PARTS.tail)
    plan = plan_reuse(PARTS.prompt, new.prompt)
    crossed = range(1 + len(PREFIX), 1 + len(PREFIX) + 5)
    assert set(crossed) <= set(plan.compute)
    assert set(range(1, 1 + len(PREFIX))).isdisjoint(plan.compute)
    assert plan.kept[-1] == Match(57, 57, 35)


def test_undo_keeps_all_but_what_comes_back() -> None:
    new = Parts(prefix=PREFIX[:20] + PREFIX[25:], suffix=SUFFIX, tail=PARTS.tail)
    plan = plan_reuse(new.prompt, PARTS.prompt)
    text = [token for token in (plan.wanted.ids[at] for at in plan.compute) if token not in MARKERS]
    assert text == [*PREFIX[20:25], *PARTS.tail]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda at: range(at[0], sum(at)))))
def test_merged_ranges_cover_the_same_positions(ranges: list[range]) -> None:
    found = merged(ranges)
    assert {at for part in found for at in part} == {at for part in ranges for at in part}
    assert all(left.stop < right.start for left, right in itertools.pairwise(found))
    assert all(found)


@given(plans(), st.integers(0, 60))
def test_runs_behind_a_position_are_the_kept_ones(made: tuple[TaggedTokens, Plan], position: int) -> None:
    _, plan = made
    found = [at for part in plan.runs_behind(position) for at in part]
    assert found == [at for at in kept_positions(plan) if at >= position]


def test_nothing_wanted_is_refused() -> None:
    for make in (plan_cold, plan_reuse, lambda held, none: plan_exact(held, none, exact=0)):
        with pytest.raises(ValueError, match="at least one"):
            make(tagged([(Role.PREFIX, (1,))]), TaggedTokens())
