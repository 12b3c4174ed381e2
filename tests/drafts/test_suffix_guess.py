"""A draft of continuations: frequent first, no longer than its match, cut where it gets unlikely."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafts.draft import ROOT, Draft
from drafts.suffix_guess import Limits, guess
from tests.drafts.target import check

Run = tuple[int, ...]

runs = st.lists(st.lists(st.integers(0, 2), max_size=6).map(tuple), max_size=8)
ALL = Limits(per_matched=9, least_chance=1e-9)


def drafted(found: list[Run], matched: int = 4, *, most: int = 8, limits: Limits = ALL) -> Draft:
    return guess("suffix", found, matched, most=most, limits=limits)


def path(draft: Draft, node: int) -> list[int]:
    """The nodes from the root's child to ``node``."""
    above = [] if draft.parents[node] == ROOT else path(draft, draft.parents[node])
    return [*above, node]


@given(runs, st.integers(1, 9), st.integers(0, 9), st.integers(1, 3))
def test_a_draft_is_a_tree_of_what_followed(found: list[Run], matched: int, most: int, branches: int):
    limits = Limits(branches=branches)
    draft = drafted(found, matched, most=most, limits=limits)
    check(draft, most)
    for node in range(len(draft)):
        nodes = path(draft, node)
        said = tuple(draft.tokens[above] for above in nodes)
        assert any(run[: len(said)] == said for run in found)
        assert len(said) <= limits.depth(matched)
        assert prod(draft.chances[above] for above in nodes) >= limits.least_chance * 0.999


@given(runs, st.integers(1, 9), st.integers(0, 9))
def test_a_chain_takes_the_most_frequent_and_of_equals_the_first(found: list[Run], matched: int, most: int):
    draft = drafted(found, matched, most=most)
    assert draft.is_chain
    agreeing, expected = found, list[int]()
    while len(expected) < most and (
        nexts := [run[len(expected)] for run in agreeing if len(run) > len(expected)]
    ):
        expected.append(max(nexts, key=nexts.count))
        agreeing = [run for run in agreeing if run[: len(expected)] == tuple(expected)]
    assert draft.tokens == tuple(expected)


def test_chances_are_counted_and_grow_with_the_match():
    often, seldom = drafted([(1,)] * 3 + [(2,)]), drafted([(1,)] * 2 + [(2,)] * 2)
    assert often.tokens == (1,)
    assert 0.5 < often.chances[0] < 0.75
    assert seldom.chances[0] < 0.5
    assert drafted([(1,)], 1).chances < drafted([(1,)], 2).chances < drafted([(1,)], 20).chances < (1.0,)
    assert drafted([(1,)], 2).chances < drafted([(1,)] * 5, 2).chances


@pytest.mark.parametrize(("matched", "length"), [(1, 2), (3, 4), (30, 8)])
def test_no_longer_than_the_match_and_one_more(matched: int, length: int):
    assert len(drafted([tuple(range(50))] * 9, matched, limits=Limits())) == length


def test_cut_where_it_gets_unlikely():
    found = [(1, *(10 * at + step for step in range(5))) for at in range(8)]
    assert len(drafted(found, 20, limits=Limits(least_chance=0.2))) == 1
    assert len(drafted(found, 20, limits=Limits(least_chance=0.05))) > 1
    assert drafted(found, 20, limits=Limits(least_chance=0.99)) == Draft("suffix")


def test_two_branches_at_the_first_disagreement_and_none_behind_it():
    found = [(1, 2, 3, 5), (1, 2, 3, 6), (1, 2, 4, 7), (1, 2, 4, 8)]
    draft = drafted(found, limits=Limits(per_matched=9, least_chance=1e-9, branches=2))
    assert sorted(tuple(draft.tokens[above] for above in path(draft, node)) for node in range(6)) == [
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 5),
        (1, 2, 4),
        (1, 2, 4, 7),
    ]
    assert len(draft) == 6


@given(st.lists(st.integers(0, 2), min_size=1, max_size=20).map(tuple), st.integers(1, 9), st.integers(0, 20))
def test_one_continuation_is_drafted_as_one_among_others(run: Run, matched: int, most: int):
    """The short way for it gives what the long one does, which a run that says nothing makes it take."""
    for limits in (Limits(), ALL, Limits(per_matched=9, least_chance=0.5)):
        assert drafted([run] * 2, matched, most=most, limits=limits) == drafted(
            [run, run, ()], matched, most=most, limits=limits
        )


def test_no_runs_no_draft():
    assert drafted([]) == drafted([()]) == drafted([(1, 2)], most=0) == Draft("suffix")
