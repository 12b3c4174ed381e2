"""Laws of ``completion.segments``: cutting a text changes no token, for every tokenizer and every edit."""

import argparse
import inspect
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from completion.tokens import TextCodec
from tests.tiny import make_tokenizer

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
SOURCE = inspect.getsource(argparse)[:40_000]
PAIRS = "\n".join(
    f"{end}\n{start} y" for end in ("(", "x", ")", " ", "*/") for start in ("//", "/*", "    x", "}")
)


def _trained(splitters: list[pre_tokenizers.PreTokenizer], *, prefix_regex: bool = False) -> Tokenizer:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=prefix_regex)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splitters, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([SOURCE, *[PAIRS] * 200], trainer)
    return tokenizer


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def _deepseek_coder() -> Tokenizer:
    patterns = ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK)
    return _trained([*map(_split, patterns), pre_tokenizers.Digits(individual_digits=True)])


def sentencepiece(words: Iterable[str], *, split: bool = False) -> Tokenizer:
    """A BPE with byte fallback whose merges are learnt on ``words``; ``split``: by Metaspace instead."""
    trained = Tokenizer(models.BPE())
    alphabet = [*map(chr, range(0x21, 0x7F)), "\u2581"]
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator([word.replace(" ", "\u2581") for word in words], trainer)
    model = json.loads(trained.to_str())["model"]
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *model["vocab"]]
    tokenizer = Tokenizer(
        models.BPE(
            {token: index for index, token in enumerate(tokens)},
            [tuple(pair) for pair in model["merges"]],
            unk_token="<unk>", fuse_unk=True, byte_fallback=True,
        )
    )  # fmt: skip
    if split:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback()])
    return tokenizer


def _unigram() -> Tokenizer:
    pieces = {
        "\n": -2.0,
        "\u2581": -2.0,
        "x": -3.0,
        "\u2581x": -3.5,
        "\n\u2581": -3.9,
        "foo": -4.0,
        "<unk>": -9.0,
    }
    tokenizer = Tokenizer(models.Unigram(list(pieces.items()), unk_id=6))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    return tokenizer


LINES = SOURCE.splitlines()
SPACES = [" " * count for count in (2, 4, 8, 16)] * 30
BREAKS = ["\n" * count for count in (2, 3, 4, 8)] * 30 + ["\t\t"] * 9
INDENTED = ["\n" + " " * count + "x" for count in (2, 4, 8)] * 60
TOKENIZERS: dict[str, tuple[str, Callable[[], Tokenizer]]] = {
    "qwen": ("lines", lambda: make_tokenizer(1200, specials=())),
    "llama3": ("lines", lambda: _trained([_split(LLAMA3)])),
    "deepseek-coder": ("lines", _deepseek_coder),
    "codellama": ("lines", lambda: sentencepiece(LINES + SPACES)),
    "mistral": ("lines", lambda: sentencepiece(LINES + SPACES, split=True)),
    "codegemma": ("lines", lambda: sentencepiece(LINES + SPACES + BREAKS)),
    "tekken": ("slashes", lambda: _trained([_split(TEKKEN)])),
    "gpt2": ("breaks", lambda: _trained([], prefix_regex=True)),
    "starcoder": (
        "breaks",
        lambda: _trained([pre_tokenizers.Digits(individual_digits=True)], prefix_regex=True),
    ),
    "indent-merging": ("flush", lambda: sentencepiece(LINES + INDENTED)),
    "word-merging": ("whole", lambda: sentencepiece([*LINES, *["x\nx", ":\nreturn"] * 99])),
    "unigram": ("whole", _unigram),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def case(request: pytest.FixtureRequest) -> tuple[str, Tokenizer, TextCodec]:
    """The rule a tokenizer should get, the tokenizer as it is, and one codec for all its texts."""
    rule, build = TOKENIZERS[request.param]
    tokenizer = build()
    return rule, tokenizer, TextCodec(tokenizer)


FRAGMENTS = (
    "\n", "\n\n", "\n\n\n\n", "\r\n", "\r", "\r\n\r\n", " ", "  ", "    ", "        ", "\t",
    "\n    ", "\n  ", "\n\t", " \n", "   \n   ", "\n \n", " " * 70, "\n" * 40, "-" * 70,
    "\x0b", "\x0c", "\x1c", "\x00", "\u00a0", "\u0085", "\u2028", "\u3000", "\u200b", "\ufeff", "\ufffd",
    "x", "foo", "self", "return", " return", "é", "e\u0301", "\u0301", "\u0345", "\u1161", "漢字", "한",
    "😀", "👩\u200d👧", "0", "12", "1234567", "٣", "²", "'s", "'", "'re", '"', "(", ")", "):", "{", "}", ";",
    "#", "//", "/", "/* ", " */", "->", "...", "\u00ab", "\u2581", "<0x0A>", "_", "=", " = ",
)  # fmt: skip
fragments = st.sampled_from(FRAGMENTS)
line_ends = st.tuples(
    st.sampled_from(("(", "x", ":", ")", " ", "é", "7", "*/")),
    st.sampled_from(("\n", "\r\n", "\n\n", "\n \n", "\n\n\n\n")),
    st.sampled_from(("", " ", "  ", "    ", "\t", "        ")),
    st.sampled_from(("x", "return", "//", "/*", "}", "'s", "0", "é", "\u0301")),
).map("".join)
texts = st.lists(fragments | line_ends, min_size=6, max_size=30).map("".join) | st.just("")
edits = st.tuples(st.integers(0, 200), st.integers(0, 6), fragments | line_ends | st.just(""))


def _whole(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text, add_special_tokens=False).ids)


@settings(deadline=None)
@given(text=texts, script=st.lists(edits, max_size=6))
def test_an_edited_text_has_the_tokens_of_one_tokenised_whole(
    case: tuple[str, Tokenizer, TextCodec], text: str, script: list[tuple[int, int, str]]
) -> None:
    _, tokenizer, codec = case
    assert codec.encode(text) == _whole(tokenizer, text)
    for at, removed, added in script:
        text = text[:at] + added + text[at + removed :]
        assert codec.encode(text) == _whole(tokenizer, text)


def test_each_family_gets_the_finest_rule_that_holds(case: tuple[str, Tokenizer, TextCodec]) -> None:
    rule, _, codec = case
    assert codec.cut_rule.name == rule


def test_ordinary_code_is_cut_into_its_lines(case: tuple[str, Tokenizer, TextCodec]) -> None:
    rule, _, codec = case
    lines = sum(1 for line in SOURCE.split("\n") if line.strip())
    segments = codec.cut_rule.segments(SOURCE)
    assert "".join(segments) == SOURCE
    assert len(segments) == lines or rule in {"flush", "whole"}


@settings(deadline=None)
@given(text=st.text(st.sampled_from("ab\n \ud800\udc00(")))
def test_surrogates_read_as_replacement_characters(case: tuple[str, Tokenizer, TextCodec], text: str) -> None:
    _, tokenizer, codec = case
    read = text.replace("\ud800", "\ufffd").replace("\udc00", "\ufffd")
    assert codec.encode(text) == _whole(tokenizer, read)


@pytest.mark.model
def test_the_real_tokenizer_agrees_through_two_hundred_edits(real_model: Path) -> None:
    tokenizer = Tokenizer.from_file(str(real_model / "tokenizer.json"))
    codec = TextCodec(tokenizer)
    dice, text = random.Random(7), inspect.getsource(argparse)[:24_000]
    for _ in range(200):
        at = dice.randrange(len(text))
        text = text[:at] + "".join(dice.choices(FRAGMENTS, k=2)) + text[at + dice.randrange(9) :]
        assert codec.encode(text) == _whole(tokenizer, text)
