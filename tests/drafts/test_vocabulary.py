"""Words stand for frequent tokens, and every token is read as some word."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafts.errors import CorruptDraft, OtherVocabulary
from drafts.vocabulary import (
    FILE,
    Vocabulary,
    check_tokenizer,
    choose,
    fingerprint,
    read_vocabulary,
    vocabulary_of,
    write_vocabulary,
)


class Pieces(list[bytes]):
    """A tokenizer of these pieces."""

    def bytes_of(self, token: int, /) -> bytes:
        return self[token]


PIECES = Pieces([b"", b"a", b"b", b"ab", b"cab", b"xcab", b"zz", b"b\n", b"\n"])


def of(*tokens: int) -> Vocabulary:
    return vocabulary_of(np.array(tokens, np.int32), PIECES)


def test_the_most_frequent_tokens_are_chosen_and_those_that_must_be() -> None:
    counts = np.array([0, 5, 9, 5, 1, 0], np.int64)
    assert choose(counts, 3, {5}).tolist() == [1, 2, 5]
    assert choose(counts, 9, ()).tolist() == [0, 1, 2, 3, 4, 5]
    assert choose(counts, 1, {0, 5}).tolist() == [0, 5]


def test_a_token_that_is_no_word_reads_as_the_longest_word_it_ends_with() -> None:
    vocabulary = of(0, 2, 3, 8)
    assert [vocabulary.token(word) for word in vocabulary.read([5, 4, 3, 7, 2])] == [3, 3, 3, 8, 2]
    assert vocabulary.read([6]).tolist() == [0]  # it ends with no word at all
    assert vocabulary.read([99]).tolist() == [0]  # padding of the embedding
    assert vocabulary.says([5, 3, 99, 0, 6]).tolist() == [False, True, False, True, False]


@given(st.sets(st.integers(0, len(PIECES) - 1), min_size=1))
def test_every_word_reads_as_itself_and_nothing_else_is_said(kept: set[int]) -> None:
    vocabulary = of(*sorted(kept))
    everything = range(len(PIECES))
    assert vocabulary.read(sorted(kept)).tolist() == list(range(len(kept)))
    assert {
        token for token, said in zip(everything, vocabulary.says(everything), strict=True) if said
    } == kept


def test_the_map_survives_the_disk(tmp_path: Path) -> None:
    written = of(1, 2, 8)
    write_vocabulary(tmp_path, written)
    read = read_vocabulary(tmp_path)
    assert read.tokens.tolist() == written.tokens.tolist()
    assert read.words.tolist() == written.words.tolist()


def test_a_damaged_map_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorruptDraft, match="cannot be read"):
        read_vocabulary(tmp_path)
    (tmp_path / FILE).write_bytes(b"\xff" * 40)
    with pytest.raises(CorruptDraft, match="cannot be read"):
        read_vocabulary(tmp_path)
    write_vocabulary(tmp_path, Vocabulary(np.array([1, 2], np.int32), np.array([0, 0, 0], np.int32)))
    with pytest.raises(CorruptDraft, match="no map"):
        read_vocabulary(tmp_path)
    write_vocabulary(tmp_path, Vocabulary(np.array([1, 9], np.int32), np.array([0, 0, 1], np.int32)))
    with pytest.raises(CorruptDraft, match="no map"):
        read_vocabulary(tmp_path)


def test_fingerprints_tell_tokenizers_apart() -> None:
    assert fingerprint(PIECES) == fingerprint(Pieces(PIECES))
    moved = Pieces([PIECES[0] + PIECES[1], b"", *PIECES[2:]])
    assert fingerprint(moved) != fingerprint(PIECES)
    check_tokenizer("d", "x", "x")
    with pytest.raises(OtherVocabulary, match="of d are not"):
        check_tokenizer("d", "x", "y")
