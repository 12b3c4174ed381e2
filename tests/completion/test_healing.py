"""Healing takes back what may be half a token, and only tokens that agree may follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.healing import Vocabulary, after, split_partial
from completion.tokens import TextCodec
from tests.tiny import make_tokenizer

CODEC = TextCodec(make_tokenizer())


@pytest.mark.parametrize(
    ("tail", "piece"),
    [
        ("def f(n):\n    ", "    "),
        ("    ret", " ret"),
        ("x = foo.ba", ".ba"),
        ("x = some_na", "_na"),
        ("return ", " "),
        ("f(", ""),
        ("x = 12", ""),
        ("def f():\n", ""),
        ("", ""),
        ("# gr\u00f6\u00df", " gr\u00f6\u00df"),
        ("# e\u0301", ""),
        ("a\ud800b", ""),
        ("x" * 200, ""),
    ],
)
def test_what_is_taken_back(tail: str, piece: str) -> None:
    assert split_partial(tail, CODEC.last_piece) == (tail.removesuffix(piece), piece)


@given(st.text("ab_ (.\t1é\n\u0301", max_size=30))
def test_the_parts_are_the_whole(tail: str) -> None:
    certain, piece = split_partial(tail, CODEC.last_piece)
    assert certain + piece == tail
    assert "\n" not in piece


@given(st.text("ab_ (.\t1é\n", max_size=12), st.text("ab_ (.\t1é\n", max_size=6))
def test_more_text_changes_no_certain_token(tail: str, more: str) -> None:
    """What is left of a healed tail encodes as it does in any text that goes on from there."""
    certain, piece = split_partial(tail, CODEC.last_piece)
    if piece:
        ids = CODEC.encode(certain)
        assert CODEC.encode(tail + more)[: len(ids)] == ids


@given(st.binary(max_size=5))
def test_agreeing_tokens_are_found_all_and_only(piece: bytes) -> None:
    entries = list(CODEC.vocabulary())
    by_hand = {spelled for spelled, _ in entries if spelled.startswith(piece) or (piece.startswith(spelled))}
    found = Vocabulary(entries).agreeing(piece)
    assert {CODEC.bytes_of(token) for token in found} == by_hand
    assert len(found) == len(set(found))


def test_the_highest_byte_has_successors_too() -> None:
    vocabulary = Vocabulary([(b"\xff", 1), (b"\xff\xff", 2), (b"a", 3), (b"b\xff", 4)])
    assert sorted(vocabulary.agreeing(b"\xff")) == [1, 2]
    assert sorted(vocabulary.agreeing(b"b\xff")) == [4]


def test_what_is_left_of_a_piece() -> None:
    assert after(b"abc", b"ab") == b"c"
    assert after(b"abc", b"abcd") == b""
