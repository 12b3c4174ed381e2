"""Keys sort as the reversed texts do, and labels stay with their tokens through every edit."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drafts.suffix_text import TOKEN_BYTES, HeldText, backwards, common_tokens, place_of

few = st.lists(st.integers(0, 2), max_size=12).map(tuple)
large = st.lists(st.integers(0, 2**32 - 3), max_size=5).map(tuple)
edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), few), max_size=6)


def held(tokens: tuple[int, ...], *, serial: int = 1, depth: int = 4) -> HeldText:
    text = HeldText(serial, depth)
    text.splice(0, 0, tokens)
    return text


def all_keys(text: HeldText) -> list[bytes]:
    return text.keys(0, len(text))


@given(large, large)
def test_common_tokens_are_counted_from_the_end_of_the_texts(left: tuple[int, ...], right: tuple[int, ...]):
    expected = 0
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a != b:
            break
        expected += 1
    assert common_tokens(backwards(left), backwards(right)) == expected


@given(large, large)
def test_packed_texts_sort_as_the_reversed_ones(left: tuple[int, ...], right: tuple[int, ...]):
    assert (backwards(left) < backwards(right)) == (left[::-1] < right[::-1])


@given(few, st.integers(1, 6))
def test_a_key_tells_what_stands_in_front_and_where(tokens: tuple[int, ...], depth: int):
    text = held(tokens, serial=7, depth=depth)
    for at, key in enumerate(all_keys(text)):
        context = backwards(tokens[max(at - depth + 1, 0) : at])
        assert key.startswith(context)
        assert len(key) - len(context) in {12, 16}
        serial, label = place_of(key)
        assert (serial, text.position(label)) == (7, at)


def test_a_key_at_a_texts_start_shares_no_token_beyond_it():
    key = held((5,), depth=4).keys(0, 1)[0]
    assert common_tokens(key, backwards((0, 0))) == 0
    assert len(key) == TOKEN_BYTES + 12


@given(few, st.integers(0, 12), st.integers(0, 12))
def test_keys_of_a_part_are_the_same(tokens: tuple[int, ...], start: int, stop: int):
    text = held(tokens)
    start, stop = sorted((min(start, len(text)), min(stop, len(text))))
    assert text.keys(start, stop) == all_keys(text)[start:stop]


@given(few, edits)
def test_edits_leave_all_other_labels_alone(tokens: tuple[int, ...], changes: list[tuple[float, int, tuple]]):
    text, mirror = held(tokens), list(tokens)
    for where, gone, come in changes:
        start = round(where * len(mirror))
        stop = min(start + gone, len(mirror))
        labels = [place_of(key)[1] for key in all_keys(text)]
        assert text.has_labels(start, stop, len(come))
        text.splice(start, stop, come)
        mirror[start:stop] = come
        assert text.tokens == mirror
        after = [place_of(key)[1] for key in all_keys(text)]
        assert all(low < high for low, high in pairwise(after))
        assert after[:start] == labels[:start]
        assert after[start + len(come) :] == labels[stop:]


def test_labels_run_out_only_after_hundreds_of_tokens_in_one_place():
    text, at = held((1, 2)), 1
    while text.has_labels(at, at, 1):
        text.splice(at, at, (9,))
        at += 1
    assert 300 < len(text) < 1_000
    assert not text.has_labels(at, at, 1)
    assert text.has_labels(at, at, 0)
    assert text.has_labels(0, len(text), 5_000)
