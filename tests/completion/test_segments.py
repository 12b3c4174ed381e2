"""Texts are cut where no token spans, and segments are remembered within a budget."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from completion.segments import PROBES, RULES, WHOLE, CutRule, Segments, choose_rule
from tests.tiny import make_tokenizer

CODE = "def f(\n\n    x  \n):\r\n\t// é\n  \n/\u00e9\n\u0301y\n"
NAMED = {rule.name: rule for rule in (*RULES, WHOLE)}
ASCII = ["<unk>", "\u2581", "\t", *map(chr, range(0x21, 0x7F))]


def bpe(*merged: str, known: list[str] | None = None, **options: object) -> Tokenizer:
    """A sentencepiece-like BPE that knows ASCII and each of ``merged`` by merging two characters."""
    entries = [*(known or [*ASCII, "\n"]), *merged]
    vocabulary = {token: index for index, token in enumerate(entries)}
    pairs = [(token[0], token[1]) for token in merged]
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs, unk_token="<unk>", **options))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    return tokenizer


def chosen(tokenizer: Tokenizer) -> str:
    return choose_rule(tokenizer, json.loads(tokenizer.to_str())).name


@pytest.mark.parametrize(
    ("name", "segments"),
    [
        ("lines", ["def f(\n\n", "    x  \n", "):\r\n", "\t// é\n  \n", "/é\n\u0301y\n"]),
        ("slashes", ["def f(\n\n", "    x  \n", "):\r\n", "\t// é\n  \n/é\n\u0301y\n"]),
        ("breaks", ["def f(", "\n\n    x  \n):", "\r\n\t// é\n  \n/é\n\u0301y", "\n"]),
        ("flush", ["def f(\n\n    x  \n", "):\r\n\t// é\n  \n", "/é\n\u0301y\n"]),
        ("flush, slashes", ["def f(\n\n    x  \n", "):\r\n\t// é\n  \n/é\n\u0301y\n"]),
        ("whole", [CODE]),
    ],
)
def test_each_rule_cuts_where_it_says(name: str, segments: list[str]) -> None:
    assert NAMED[name].segments(CODE) == segments


@given(text=st.text(st.sampled_from("x/ \t\r\n\u2028é(")))
@pytest.mark.parametrize("rule", NAMED.values(), ids=lambda rule: rule.name)
def test_segments_are_the_text_and_none_is_empty(rule: CutRule, text: str) -> None:
    segments = rule.segments(text)
    assert "".join(segments) == text
    assert all(segments)


def test_a_finer_rule_than_the_chosen_one_changes_tokens() -> None:
    tokenizer = make_tokenizer(specials=())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text).ids

    text = "x\n\ny"
    assert chosen(tokenizer) == "breaks"
    assert Segments(ids, NAMED["breaks"]).encode(text) == tuple(ids(text))
    assert Segments(ids, NAMED["lines"]).encode(text) != tuple(ids(text))


@pytest.mark.parametrize(
    ("tokenizer", "rule"),
    [
        (bpe("\n\n", "\u2581\u2581", "ab"), "lines"),
        (bpe("\n\u2581"), "flush"),
        (bpe("\nx"), "whole"),
        (bpe(ignore_merges=True), "whole"),
        (bpe(end_of_word_suffix="!"), "whole"),
        (bpe(known=ASCII), "whole"),
        (bpe(known=[*ASCII, "<0x0A>"]), "whole"),
        (bpe(known=[*ASCII, *(f"<0x{byte:02X}>" for byte in range(256))], byte_fallback=True), "lines"),
    ],
    ids=["runs", "indents", "words", "ignore", "suffix", "no newline", "no fallback", "fallback"],
)
def test_without_pre_tokens_the_vocabulary_decides(tokenizer: Tokenizer, rule: str) -> None:
    assert chosen(tokenizer) == rule


@pytest.mark.parametrize(
    "normalizer",
    [normalizers.Replace("\n", " "), normalizers.Strip(), normalizers.Replace(Regex(r"\s+"), "\u2581")],
    ids=["newlines are spaces", "strip", "collapse"],
)
def test_a_normaliser_that_changes_line_breaks_is_noticed(normalizer: normalizers.Normalizer) -> None:
    tokenizer = bpe("\u2581\u2581")
    tokenizer.normalizer = normalizers.Sequence([normalizer, normalizers.Replace(" ", "\u2581")])
    assert chosen(tokenizer) == "whole"


def test_the_probe_tries_every_rule_a_thousand_times() -> None:
    assert min(sum(len(rule.segments(text)) for text in PROBES) for rule in RULES) > 1000


class Recorder:
    """Encodes characters as their code points and keeps the texts it was asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> list[int]:
        self.texts.append(text)
        return [ord(char) for char in text]


def test_only_the_line_that_was_touched_is_encoded() -> None:
    encode = Recorder()
    segments = Segments(encode, NAMED["lines"])
    segments.encode("a = 1\nb = 2\nc = 3\n")
    encode.texts.clear()
    assert segments.encode("a = 1\nb = 25\nc = 3\n") == tuple(map(ord, "a = 1\nb = 25\nc = 3\n"))
    assert encode.texts == ["b = 25\n"]


def test_what_was_used_last_is_kept_longest() -> None:
    encode = Recorder()
    segments = Segments(encode, NAMED["lines"], max_cost=3 * 66)
    for text in ("a\n", "b\n", "c\n", "a\n", "d\n", "a\n", "b\n"):
        segments.encode(text)
    assert encode.texts == ["a\n", "b\n", "c\n", "d\n", "b\n"]


def test_a_segment_beyond_the_budget_is_encoded_and_forgotten() -> None:
    encode = Recorder()
    segments = Segments(encode, WHOLE, max_cost=100)
    assert segments.encode("x" * 200) == segments.encode("x" * 200) == (ord("x"),) * 200
    assert segments.encode("") == ()
    assert len(encode.texts) == 2


def test_a_lone_surrogate_reads_as_the_replacement_character() -> None:
    assert Segments(Recorder(), RULES[0]).encode("a\ud800\nb") == tuple(map(ord, "a\ufffd\nb"))
