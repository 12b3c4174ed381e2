"""The tokenizer of a GGUF file: whole special tokens, exact text, known splits only."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from completion.gguf_file import GgufFile
from completion.gguf_tokenizer import write_tokenizer
from tests.completion.model_files import QWEN_SPECIAL, write_gguf


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return build(tmp_path_factory.mktemp("tokenizer"))


def build(directory: Path, **options) -> Tokenizer:
    write_tokenizer(GgufFile(write_gguf(directory / "m.gguf", **options)), directory)
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


def test_special_tokens_are_single_and_special(tokenizer: Tokenizer) -> None:
    for token in QWEN_SPECIAL:
        encoded = tokenizer.encode(f"def{token}def")
        assert len(encoded.ids) == 3
        assert tokenizer.id_to_token(encoded.ids[1]) == token
    assert tokenizer.decode(tokenizer.encode("<|im_end|>").ids, skip_special_tokens=True) == ""


def test_user_defined_tokens_are_whole_but_not_special(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("<tool>").ids, skip_special_tokens=True) == "<tool>"
    assert len(tokenizer.encode("<tool>").ids) == 1


def test_fillers_are_no_tokens(tokenizer: Tokenizer) -> None:
    assert not any(token.startswith("[PAD") for token in tokenizer.get_vocab())


@given(st.text())
def test_decoding_gives_back_the_text(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.parametrize(
    ("split", "text", "words"),
    [
        ("qwen2", "x12 ab", ["x", "1", "2", "Ġab"]),
        ("starcoder", "x12 ab", ["x", "1", "2", "Ġab"]),
        ("gpt-2", "x12 ab", ["x", "12", "Ġab"]),
        ("deepseek-coder", "x12 ab\nc", ["x", "1", "2", "Ġab", "Ċ", "c"]),
    ],
)
def test_text_is_split_as_the_model_learned_it(
    tmp_path: Path, split: str, text: str, words: list[str]
) -> None:
    pieces = build(tmp_path, pre=split).pre_tokenizer.pre_tokenize_str(text)
    assert [piece for piece, _ in pieces] == words


def test_fullwidth_markers_stay_whole(tmp_path: Path) -> None:
    markers = ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"]
    tokenizer = build(tmp_path, pre="deepseek-coder", special=markers)
    assert [tokenizer.id_to_token(index) for index in tokenizer.encode("".join(markers)).ids] == markers
