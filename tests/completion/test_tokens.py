"""Text is never read as special tokens, and tokens spell the text they came from."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from completion.errors import NoFimTokens, UnsupportedModel
from completion.tokens import TextCodec, spell_bytes, spell_pieces
from tests.tiny import SPECIALS, make_tokenizer


@pytest.fixture(scope="module")
def codec() -> TextCodec:
    return TextCodec(make_tokenizer())


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
with_specials = st.lists(st.one_of(st.sampled_from(SPECIALS), texts), max_size=6).map("".join)


@given(text=with_specials)
def test_tokens_spell_their_text(codec: TextCodec, text: str) -> None:
    spelled = b"".join(codec.bytes_of(token) for token in codec.encode(text))
    assert spelled.decode() == unicodedata.normalize("NFC", text)


@given(text=with_specials)
def test_no_text_becomes_a_special_token(codec: TextCodec, text: str) -> None:
    assert not codec.special_ids.intersection(codec.encode(text))


@given(batch=st.lists(with_specials, max_size=4))
def test_many_texts_at_once_are_those_texts(codec: TextCodec, batch: list[str]) -> None:
    assert codec.encode_batch(batch) == [list(codec.encode(text)) for text in batch]


def test_specials_are_had_by_name(codec: TextCodec) -> None:
    assert codec.special("<|fim_middle|>") in codec.special_ids
    assert codec.bytes_of(codec.special("<|fim_middle|>")) == b""
    assert codec.bytes_of(10**6) == b""
    assert all(spelled and index not in codec.special_ids for spelled, index in codec.vocabulary())
    with pytest.raises(NoFimTokens, match="<nope>"):
        codec.special("<nope>")


def test_a_lone_surrogate_is_replaced(codec: TextCodec) -> None:
    assert codec.encode("a\ud800b") == codec.encode("a\ufffdb")


def test_encoded_texts_are_remembered_but_not_for_ever(codec: TextCodec) -> None:
    first = codec.encode("x = 1")
    assert codec.encode("x = 1") is first
    for number in range(200):
        codec.encode(f"y = {number}")
    assert codec.encode("x = 1") == first


def test_spelling() -> None:
    assert spell_pieces("\u2581def") == b" def"
    assert spell_pieces("<0x0A>") == b"\n"
    assert spell_pieces("\u00e9") == "\u00e9".encode()
    assert spell_bytes("\u0120def") == b" def"
    assert spell_bytes("\u00c3\u00a9") == "\u00e9".encode()
    assert spell_bytes("[PAD\u2581]") == b""


def test_added_tokens_that_stand_for_text_are_ordinary() -> None:
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["\u00f5", "<|tool|>"])
    codec = TextCodec(tokenizer)
    letter, marker = (tokenizer.token_to_id(token) for token in ("\u00f5", "<|tool|>"))
    assert codec.bytes_of(letter) == "\u00f5".encode()
    assert marker in codec.special_ids
    assert letter not in codec.special_ids


def test_sentencepiece_tokenizers_put_no_space_in_front() -> None:
    vocabulary = {"\u2581": 0, "a": 1, "\u2581a": 2, "<unk>": 3}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("\u2581", "a")], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    assert tokenizer.encode("a").ids == [2]
    assert TextCodec(tokenizer).encode("a") == (1,)
    assert TextCodec(tokenizer).encode(" a") == (2,)


def test_tokenizers_that_cannot_be_spelled_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match="WordPiece"):
        TextCodec(Tokenizer(models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]")))
