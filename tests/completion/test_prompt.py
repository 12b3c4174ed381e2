"""Prompts in every family's order, tiled by roles, within their room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.errors import NoFimTokens
from completion.families import FimFamily
from completion.prompt import Cut, Prompt, PromptBuilder, Role, cut
from completion.tokens import TextCodec
from completion.window import Layout
from tests.tiny import make_tokenizer

CODEC = TextCodec(make_tokenizer())
QWEN = FimFamily(
    name="qwen",
    prefix="<|fim_prefix|>",
    suffix="<|fim_suffix|>",
    middle="<|fim_middle|>",
    stop=(),
    order="psm",
)
SUFFIX_FIRST = FimFamily(
    name="spm", prefix="<|fim_prefix|>", suffix="<|fim_suffix|>", middle="", stop=(), order="spm"
)


def spelled(prompt: Prompt) -> str:
    names = {CODEC.special(token): token for token in CODEC.special_tokens}
    return "".join(names.get(token) or CODEC.bytes_of(token).decode() for token in prompt.ids)


def test_prefix_first() -> None:
    prompt = PromptBuilder(CODEC, QWEN, 1000).build(Cut(prefix="a = 1\n", suffix="\nend", tail="b = "))
    assert spelled(prompt) == "<|fim_prefix|>a = 1\n<|fim_suffix|>\nend<|fim_middle|>b ="
    assert prompt.piece == b" "
    roles = [segment.role for segment in prompt.tokens.spans]
    assert roles == [Role.MARKER, Role.PREFIX, Role.MARKER, Role.SUFFIX, Role.MARKER, Role.TAIL]


def test_suffix_first() -> None:
    prompt = PromptBuilder(CODEC, SUFFIX_FIRST, 1000).build(Cut(prefix="a\n", suffix="\nz", tail="b("))
    assert spelled(prompt) == "<|fim_suffix|>\nz<|fim_prefix|>a\nb("


def test_plain_prompts_are_not_healed() -> None:
    prompt = PromptBuilder(CODEC, QWEN, 1000).build(Cut(prefix="a = ", suffix="", tail=""), heal=False)
    assert spelled(prompt) == "<|fim_prefix|>a = <|fim_suffix|><|fim_middle|>"
    assert prompt.piece == b""


texts = st.text("ab \n(é<|>", max_size=80)


@given(texts, texts, texts, st.integers(16, 60))
def test_segments_tile_a_prompt_within_its_room(prefix: str, suffix: str, tail: str, room: int) -> None:
    prompt = PromptBuilder(CODEC, QWEN, room).build(Cut(prefix, suffix, tail))
    edges = [0, *(segment.stop for segment in prompt.tokens.spans)]
    assert [segment.start for segment in prompt.tokens.spans] == edges[:-1]
    assert edges[-1] == len(prompt.ids) <= room
    wide = PromptBuilder(CODEC, QWEN, 1_000)
    assert wide.build(Cut(prefix, suffix, tail), room=room) == prompt
    assert PromptBuilder(CODEC, QWEN, room).build(Cut(prefix, suffix, tail), room=1_000) == prompt


@given(st.text("ab \n", max_size=40), st.data())
def test_the_cut_is_along_the_layout(text: str, data: st.DataObject) -> None:
    start, anchor, cursor, end = sorted(data.draw(st.integers(0, len(text))) for _ in range(4))
    parts = cut(text, cursor, Layout(start, anchor, len(text) - end))
    assert parts.prefix + parts.tail + parts.suffix == text[start:end]
    assert text[start:].startswith(parts.prefix + parts.tail)


def test_a_missing_marker_is_named() -> None:
    family = FimFamily(name="x", prefix="<PRE>", suffix="<SUF>", middle="<MID>", stop=(), order="psm")
    with pytest.raises(NoFimTokens, match="<PRE>"):
        PromptBuilder(CODEC, family, 100)
