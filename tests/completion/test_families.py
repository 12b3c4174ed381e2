"""Families are told apart by their tokens, and the refusal says what was looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.errors import NoFimTokens
from completion.families import FAMILIES, FimFamily, detect_family

QWEN = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
    "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
]  # fmt: skip
REAL_TOKENIZERS = {
    "qwen2.5-coder": QWEN,
    "deepseek-coder": [
        "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>",
        "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>",
        "<|User|>", "<|Assistant|>", "<|EOT|>",
    ],
    "starcoder2": [
        "<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<repo_name>",
        "<file_sep>", "<issue_start>",
    ],
    "granite-code": [
        "<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<filename>",
        "<gh_stars>", "<reponame>",
    ],
    "granite": [
        "<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
        "<|filename|>", "<|reponame|>",
    ],
    "codegemma": [
        "<bos>", "<eos>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>",
    ],
    "codellama": ["<s>", "</s>", "<unk>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"],
    "codestral": ["<s>", "</s>", "[INST]", "[/INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"],
}  # fmt: skip


@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_each_family_is_found_by_the_tokens_its_models_have(name: str) -> None:
    assert detect_family(REAL_TOKENIZERS[name]).name == name


def test_every_family_is_covered() -> None:
    assert {family.name for family in FAMILIES} == set(REAL_TOKENIZERS)


@given(st.sampled_from(sorted(REAL_TOKENIZERS)), st.randoms(), st.sets(st.text(max_size=3)))
def test_order_and_foreign_tokens_do_not_matter(name, random, foreign) -> None:
    tokens = [*REAL_TOKENIZERS[name], *foreign]
    random.shuffle(tokens)
    assert detect_family(tokens).name == name


def test_a_chat_tokenizer_is_refused_and_told_what_was_looked_for() -> None:
    with pytest.raises(NoFimTokens) as refusal:
        detect_family(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    for family in FAMILIES:
        assert " ".join(family.markers) in str(refusal.value)
    assert str(refusal.value).count("\n") == 0


def test_half_a_family_is_none() -> None:
    with pytest.raises(NoFimTokens):
        detect_family(["<|fim_prefix|>", "<|fim_suffix|>"])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_completion_ends_at_every_marker(family: FimFamily) -> None:
    assert set(family.markers) <= set(family.stop)
    assert len(set(family.stop)) == len(family.stop)


def test_markers_stand_in_the_order_of_the_prompt() -> None:
    by_name = {family.name: family for family in FAMILIES}
    assert by_name["qwen2.5-coder"].markers == ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    assert by_name["deepseek-coder"].markers == ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
    assert by_name["codestral"].markers == ("[SUFFIX]", "[PREFIX]")
