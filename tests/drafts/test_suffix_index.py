"""The index finds what a slow search finds, whatever was put, edited and dropped before."""

import random
import time
from collections.abc import Sequence
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drafts.suffix_index import CANDIDATES, DEPTH, Match, Origin, Place, SuffixIndex

Tokens = tuple[int, ...]

A, B, C = (Origin(name, "before") for name in "abc")
few = st.lists(st.integers(0, 2), max_size=20).map(tuple)
sources = st.sampled_from([A, B, C, Origin("a", "after")])


def longest(held: dict[Origin, Tokens], context: Tokens, depth: int) -> tuple[int, set[Place]]:
    """The longest suffix of ``context`` that stands somewhere with a token behind it; and all such places."""
    best, places = 0, set[Place]()
    for source, tokens in held.items():
        for at in range(1, len(tokens)):
            length = 0
            while length < min(at, len(context), depth) and tokens[at - 1 - length] == context[-1 - length]:
                length += 1
            if length > best:
                best, places = length, set()
            if length == best and best:
                places.add(Place(source, at))
    return best, places


def code(count: int, seed: int = 0) -> Tokens:
    """Tokens as frequent as those of a text: few very often, most of them once."""
    generator = random.Random(seed)
    return tuple(min(int(generator.paretovariate(0.6)), 150_000) for _ in range(count))


class Editing(RuleBasedStateMachine):
    """Puts, grows, cuts and drops sources, and compares with a fresh index and a slow search."""

    capacity, depth = 60, 5

    def __init__(self):
        super().__init__()
        self.index = SuffixIndex(self.capacity, depth=self.depth)
        self.made: list[Origin] = []

    def note(self):
        """Which sources there are, in the order in which they came."""
        held = self.index.sources
        self.made = [source for source in self.made if source in held]
        self.made += [source for source in held if source not in self.made]

    @rule(source=sources, tokens=few)
    def put(self, source: Origin, tokens: Tokens):
        self.index.drop(source) if not tokens else self.index.put(source, tokens)
        self.note()
        assert self.index.tokens(source) == tokens
        assert not tokens or self.index.sources[-1] == source

    @rule(source=sources, where=st.floats(0, 1), gone=st.integers(0, 3), come=few)
    def edit(self, source: Origin, where: float, gone: int, come: Tokens):
        old = self.index.tokens(source)
        at = round(where * len(old))
        self.put(source, (*old[:at], *come, *old[at + gone :])[: self.capacity])

    @rule(source=sources, tokens=few)
    def extend(self, source: Origin, tokens: Tokens):
        old, free = self.index.tokens(source), self.capacity - len(self.index)
        self.index.extend(source, tokens)
        self.note()
        assert self.index.tokens(source) == old + tokens[:free]

    @rule(source=sources, length=st.integers(0, 20))
    def truncate(self, source: Origin, length: int):
        old = self.index.tokens(source)
        self.index.truncate(source, length)
        self.note()
        assert self.index.tokens(source) == old[:length]
        assert (source in self.index.sources) == bool(old[:length])

    @rule(source=sources)
    def drop(self, source: Origin):
        self.index.drop(source)
        self.note()
        assert source not in self.index.sources

    @rule(context=few)
    def match(self, context: Tokens):
        held = {source: self.index.tokens(source) for source in self.index.sources}
        length, places = longest(held, context, self.depth)
        match = self.index.match(context)
        assert (match.length, match.total) == (length, len(places))
        assert places >= set(match.places)
        assert len(match.places) == len(set(match.places))
        assert len(places) > CANDIDATES or places == set(match.places)

    @precondition(lambda self: self.made)
    @rule(context=few)
    def answers_as_a_fresh_index(self, context: Tokens):
        fresh = SuffixIndex(self.capacity, depth=self.depth)
        for source in (*self.made, *self.index.sources):
            fresh.put(source, self.index.tokens(source))
        assert fresh.match(context) == self.index.match(context)

    @invariant()
    def holds_what_it_says_and_no_more(self):
        assert len(self.index) == sum(len(self.index.tokens(source)) for source in self.index.sources)
        assert len(self.index) <= self.capacity
        posted = [key for keys in self.index._posted.values() for key in keys]
        assert len(posted) == len(self.index) - len(self.index.sources)
        assert len(set(posted)) == len(posted)
        assert all(keys and keys == sorted(keys) for keys in self.index._posted.values())
        assert set(self.index._names.values()) == set(self.index.sources)


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def index_of(capacity: int = 1_000, **texts: Sequence[int]) -> SuffixIndex:
    index = SuffixIndex(capacity)
    for name, tokens in texts.items():
        index.put(Origin(name, "before"), tokens)
    return index


@given(few, few)
def test_what_follows_is_read_from_its_own_source(left: Tokens, right: Tokens):
    index = index_of(a=left, b=right)
    for place in index.match(left[:3]).places:
        text = index.tokens(place.source)
        assert index.following(place, 4) == text[place.at : place.at + 4]


def test_a_match_never_crosses_into_another_source():
    assert index_of(a=(1, 2), b=(3, 4, 5)).match((1, 2, 3, 4)) == Match(2, 1, (Place(B, 2),))
    assert index_of(a=(1, 2), b=(3, 4)).match((1, 2)) == Match()


def test_no_match_of_nothing():
    assert SuffixIndex(9).match((1, 2)) == Match()
    assert index_of(a=(1, 2, 3)).match(()) == Match()


def test_sources_used_last_come_first_and_of_one_its_end():
    index = index_of(a=(1, 2, 3, 1, 2, 4), b=(1, 2, 5))
    assert index.match((1, 2)).places == (Place(B, 2), Place(A, 5), Place(A, 2))
    index.put(A, index.tokens(A))
    assert index.match((1, 2)).places == (Place(A, 5), Place(A, 2), Place(B, 2))


def test_room_is_made_by_what_was_used_longest_ago():
    index = index_of(10, a=range(4), b=range(4))
    index.extend(A, (7,))
    index.put(C, range(4))
    assert index.sources == (A, C)
    index.put(C, range(8), keep=[A])
    assert (index.tokens(A), index.tokens(C)) == ((0, 1, 2, 3, 7), (3, 4, 5, 6, 7))
    index.put(B, range(3), keep=[A, C])
    assert index.sources == (A, C)
    index.put(B, range(20))
    assert (index.sources, index.tokens(B)) == ((B,), tuple(range(10, 20)))


def test_room_reserved_is_there():
    index = index_of(10, a=range(4), b=range(4))
    assert index.reserve(2) == 2
    assert index.reserve(3, keep=[A]) == 6
    assert index.sources == (A,)
    assert index.reserve(9, keep=[A]) == 6


def test_many_places_are_chosen_evenly():
    """Behind 7 stands 8 three times in four, and so it does behind the places named."""
    tokens = [token for at in range(400) for token in (at + 100, 7, 8 if at % 4 else 9)]
    match = index_of(2_000, a=tokens).match((7,))
    assert (match.length, match.total) == (1, 400)
    assert CANDIDATES - 3 <= len(match.places) <= CANDIDATES
    index = index_of(2_000, a=tokens)
    named = [index.following(place, 1)[0] for place in match.places]
    assert 0.6 < named.count(8) / len(named) < 0.9


def test_labels_that_ran_out_are_given_anew():
    tokens = [1, 2]
    index = index_of(9_000, a=tokens)
    for at in range(1, 1_500):
        tokens.insert(at, 5 + at % 3)
        index.put(A, tokens)
    assert index.tokens(A) == tuple(tokens)
    assert index.match(tokens[:50]) == index_of(9_000, a=tokens).match(tokens[:50])


@pytest.mark.parametrize(("capacity", "depth"), [(0, 1), (1, 0)])
def test_no_room_and_no_depth_are_refused(capacity: int, depth: int):
    with pytest.raises(ValueError, match="room for a token"):
        SuffixIndex(capacity, depth=depth)


def seconds(call, times: int = 50) -> float:
    found = []
    for at in range(times):
        started = time.thread_time()
        call(at)
        found.append(time.thread_time() - started)
    return median(found)


TEXTS = {"code": code(8_000), "zeros": (9, 0) * 4_000, "one token": (5,) * 8_000}


@pytest.mark.parametrize("tokens", TEXTS.values(), ids=TEXTS)
def test_a_match_in_8000_tokens_takes_well_under_a_millisecond(tokens: Tokens):
    index = index_of(20_000, a=tokens, b=code(8_000, seed=1))
    assert seconds(lambda at: index.match(tokens[: 40 + 150 * at])) < 5e-4
    assert seconds(lambda _: index.match(tokens[-1:])) < 5e-4


@pytest.mark.parametrize("tokens", TEXTS.values(), ids=TEXTS)
def test_a_line_edited_in_8000_tokens_takes_under_a_millisecond(tokens: Tokens):
    index = index_of(20_000, a=tokens)
    versions = [tokens]
    for at in range(50):
        start = 1_000 + 7 * at
        versions.append((*versions[-1][:start], *code(10, seed=at), *versions[-1][start + 8 :]))
    assert seconds(lambda at: index.put(A, versions[at + 1])) < 1e-3
    assert index.match(versions[-1][:2_000]).length == DEPTH
    assert seconds(lambda at: index.extend(A, (at,))) < 1e-4
