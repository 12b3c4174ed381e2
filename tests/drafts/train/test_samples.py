"""Samples: whatever is cut can be joined again, and a sample never exceeds its length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafts.train.samples import FimIds, cut_middle, fim_sample, prompt, text_sample, window

FIM = FimIds(prefix=101, suffix=102, middle=103, stops=(100, 104), opening=(99,))
texts = st.text("ab \n\t(é", max_size=200)
seeds = st.integers(0, 10_000).map(np.random.default_rng)
few = st.lists(st.integers(0, 50), max_size=60)
tokens = few | st.lists(st.integers(0, 50), min_size=30, max_size=60)


@given(texts, st.integers(1, 50), seeds)
def test_three_parts_are_the_text(text: str, most: int, rng: np.random.Generator) -> None:
    cut = cut_middle(text, most, rng)
    assert "".join(cut) == text
    assert len(cut.middle) <= most


def test_middles_are_spans_and_whole_lines() -> None:
    text = "".join(f"    line{number} = {number}\n" for number in range(30))
    cuts = [cut_middle(text, 400, np.random.default_rng(seed)) for seed in range(200)]
    lines = [cut for cut in cuts if cut.prefix.endswith("    ") and cut.suffix.startswith("\n")]
    assert 60 < len(lines) < 150
    assert any("\n" in cut.middle for cut in lines)
    assert any("\n" not in cut.middle for cut in lines)


@given(texts, st.integers(1, 40), seeds)
def test_a_window_is_a_part_that_begins_with_a_line(text: str, length: int, rng: np.random.Generator) -> None:
    part, is_end = window(text, length, rng)
    assert len(part) <= length * 4
    starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
    places = [at for at in starts if text[at:].startswith(part)]
    assert places
    assert any((at + len(part) == len(text)) == is_end for at in places)


@given(tokens, tokens, tokens, st.integers(16, 80), st.booleans())
def test_a_sample_has_its_form_and_its_length(prefix, middle, suffix, length: int, middle_only: bool) -> None:
    sample = fim_sample((prefix, middle, suffix), length, FIM, middle_only=middle_only)
    ids = list(sample.ids)
    assert len(ids) <= length
    at = ids.index(FIM.middle) + 1
    assert ids[:2] == [99, 101]
    assert sample.learn_from == (at if middle_only else 0)
    said = ids[at:]
    if len(middle) <= length // 2:
        assert said == [*middle, 100]
    else:
        assert said == middle[: length // 2]  # it goes on: nothing says that it ends
    shown_prefix = ids[2 : ids.index(FIM.suffix)]
    shown_suffix = ids[ids.index(FIM.suffix) + 1 : at - 1]
    assert shown_prefix == prefix[len(prefix) - len(shown_prefix) :]
    assert shown_suffix == suffix[: len(shown_suffix)]


@given(tokens, tokens, st.integers(4, 100))
def test_a_prompt_uses_the_room_it_has(prefix, suffix, room: int) -> None:
    made = prompt(prefix, suffix, FIM, room)
    assert len(made) <= room
    assert len(made) == min(room, 4 + len(prefix) + min(len(suffix), room // 4)) or room < 6


def test_text_ends_with_a_stop_where_it_ends() -> None:
    assert text_sample([1, 2, 3], 8, 100).ids == (1, 2, 3, 100)
    assert text_sample([1, 2, 3], 2, 100).ids == (1, 2)
    assert text_sample([1, 2, 3], 8, None).ids == (1, 2, 3)


def test_all_special_tokens_are_named() -> None:
    assert FIM.all == frozenset({99, 100, 101, 102, 103, 104})


@pytest.mark.parametrize("text", ["", "short"])
def test_a_text_that_is_too_short_has_no_middle(text: str) -> None:
    assert cut_middle(text, 5, np.random.default_rng(0)).middle == ""
