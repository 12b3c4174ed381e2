"""What two sequences have in common: runs that are there, and as many as a slow search finds."""

import random
import time
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.matching import (
    _MOST_EDITS,
    ISLAND,
    Match,
    _longest_ascending,
    _myers,
    common_prefix,
    common_suffix,
    matches,
)
from tests.prompts import texts

Tokens = tuple[int, ...]

few = st.lists(st.integers(0, 3), max_size=14).map(tuple)


def noise(count: int, seed: int = 0) -> Tokens:
    generator = random.Random(seed)
    return tuple(generator.randrange(150_000) for _ in range(count))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tokens, Tokens]:
    """A text and what some edits make of it; or two texts that know nothing of each other."""
    old = tuple(token for part in draw(st.lists(texts(60), max_size=4)) for token in part)
    new = old if draw(st.booleans()) else tuple(draw(texts(60)))
    for where, gone, come in draw(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), texts(20)), max_size=4)
    ):
        at = round(where * len(new))
        new = new[:at] + come + new[at + gone :]
    return old, new


def lcs_length(old: Tokens, new: Tokens) -> int:
    """The length of the longest common subsequence, by dynamic programming."""
    above = [0] * (len(new) + 1)
    for left in old:
        row = [0]
        for at, right in enumerate(new):
            row.append(above[at] + 1 if left == right else max(above[at + 1], row[at]))
        above = row
    return above[-1]


def assert_runs(found: list[Match], old: Tokens, new: Tokens) -> None:
    """Equal, ascending, apart from each other, inside of both."""
    a = b = 0
    for run in found:
        assert run.length > 0
        assert run.old >= a
        assert run.new >= b
        a, b = run.old + run.length, run.new + run.length
        assert old[run.old : a] == new[run.new : b]
        assert a <= len(old)
        assert b <= len(new)


@given(few, few)
def test_the_common_prefix_is_common_and_longest(left: Tokens, right: Tokens) -> None:
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]
    assert common_suffix(left[::-1], right[::-1]) == length


@given(pairs())
def test_runs_are_equal_and_ascend_in_both(pair: tuple[Tokens, Tokens]) -> None:
    assert_runs(matches(*pair), *pair)


@given(pairs())
def test_the_common_ends_are_kept_and_islands_are_large(pair: tuple[Tokens, Tokens]) -> None:
    old, new = pair
    found = matches(old, new)
    front = common_prefix(old, new)
    back = common_suffix(old[front:], new[front:])
    if front:
        assert found[0] == Match(0, 0, front)
    if back:
        assert found[-1] == Match(len(old) - back, len(new) - back, back)
    between = found[bool(front) : len(found) - bool(back)]
    assert all(run.length >= ISLAND for run in between)


@given(few, few)
def test_myers_finds_a_longest_common_subsequence(old: Tokens, new: Tokens) -> None:
    found = _myers(old, new)
    assert_runs(found, old, new)
    assert sum(run.length for run in found) == lcs_length(old, new)


@given(st.permutations(range(7)).map(lambda firsts: [(first, at) for at, first in enumerate(firsts)]))
def test_the_longest_ascending_run_is_longest(ordered: list[tuple[int, int]]) -> None:
    chain = _longest_ascending(ordered)
    assert chain == sorted(chain, key=lambda pair: pair[1])
    assert [first for first, _ in chain] == sorted(first for first, _ in chain)
    firsts = tuple(first for first, _ in ordered)
    assert len(chain) == lcs_length(firsts, tuple(sorted(firsts)))


def test_an_island_is_kept_from_its_size_on() -> None:
    island = noise(ISLAND, seed=1)
    assert matches((1, 2, *island, 3, 4), (5, *island, 6)) == [Match(2, 1, ISLAND)]
    assert matches((1, 2, *island[1:], 3, 4), (5, *island[1:], 6)) == []


def test_a_repeated_island_is_found_without_anchors() -> None:
    """No n-gram of it stands once, so only the greedy search can see it."""
    assert matches((1, *[7] * 20, 2), (3, *[7] * 20, 4)) == [Match(1, 1, 20)]
    island, less = noise(ISLAND, seed=1), noise(ISLAND - 1, seed=2)
    twice = (1, *island, 2, *island, 3, *less, 4, *less, 5)
    other = (6, *island, 7, *island, 8, *less, 9, *less, 0)
    assert matches(twice, other) == [Match(1, 1, ISLAND), Match(2 + ISLAND, 2 + ISLAND, ISLAND)]


def test_text_between_two_large_changes_is_found() -> None:
    """Anchors reach across changes far too large for the greedy search."""
    kept = noise(500)
    large = 2 * _MOST_EDITS
    old = (*noise(large, seed=1), *kept, *noise(large, seed=2))
    new = (*noise(large + 9, seed=3), *kept, *noise(large, seed=4))
    assert matches(old, new) == [Match(large, large + 9, 500)]


def test_of_two_blocks_that_changed_places_the_larger_is_kept() -> None:
    small, large = noise(20, seed=1), noise(40, seed=2)
    found = matches((1, *small, *large, 2), (3, *large, *small, 4))
    assert found == [Match(21, 1, 40)]


@pytest.mark.parametrize(("gone", "come"), [(0, 1), (1, 0), (1, 1), (12, 3), (0, 200)], ids=str)
def test_one_change_in_8000_tokens_takes_under_two_milliseconds(gone: int, come: int) -> None:
    old = noise(8_000)
    times: list[float] = []
    for attempt in range(20):
        at = 200 + 350 * attempt
        new = old[:at] + noise(come, seed=1) + old[at + gone :]
        started = time.perf_counter()
        found = matches(old, new)
        times.append(time.perf_counter() - started)
        assert sum(run.length for run in found) == 8_000 - gone
    assert median(times) < 2e-3


def test_nothing_in_common_is_seen_soon() -> None:
    """A jump to another part of a large file stands between a key and its answer, too."""
    old, new = noise(8_000), noise(8_000, seed=1)
    times: list[float] = []
    for _ in range(5):
        started = time.perf_counter()
        assert matches(old, new) == []
        times.append(time.perf_counter() - started)
    assert median(times) < 0.1
