"""Measured without drafting equals drafted: greedy speculative decoding, played out, is the oracle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drafts.train.acceptance import HeldOut, block_efficiency, measure, target_passes
from drafts.train.exits import exit_states
from drafts.train.scaled import Size, random_model, read_config, scaled
from drafts.vocabulary import Vocabulary

hits = st.lists(st.booleans(), min_size=1, max_size=30)


@given(hits, st.integers(1, 6))
def test_passes_are_counted_as_they_are_played(found: list[bool], most: int) -> None:
    at = passes = 0
    while at < len(found):
        drafted = 0
        while drafted < most and at < len(found) and found[at]:
            at, drafted = at + 1, drafted + 1
        at, passes = at + 1, passes + 1  # the target's own token
    assert target_passes(np.array(found), most) == passes


def test_block_efficiency_has_its_bounds() -> None:
    every, none = np.ones(12, bool), np.zeros(12, bool)
    assert block_efficiency([every], 3) == 4.0
    assert block_efficiency([none, none], 3) == 1.0
    assert block_efficiency([every, none], 2) == 24 / 16
    assert block_efficiency([], 3) == 0.0


@pytest.fixture(scope="module")
def model(tiny_model_dir):
    return random_model(scaled(read_config(tiny_model_dir), Size(2, 32, 16), 40), 0).eval()


VOCABULARY = Vocabulary(np.arange(0, 80, 2, dtype=np.int32), (np.arange(80) // 2).astype(np.int32))
"""Even tokens are words; an odd one is read as the one below it."""


def draft_until(model, exits, at: int, held: HeldOut, most: int) -> tuple[int, int]:
    """Greedy speculative decoding: accepted tokens and passes of a target that says the reference."""
    output: list[int] = []
    accepted = passes = 0
    while len(output) < len(held.reference):
        shown = [*held.prompt, *output]
        for _ in range(most):
            words = torch.tensor(VOCABULARY.read(shown)).long()[None]
            state = exit_states(model, words, exits)[at]
            token = VOCABULARY.token(int(model.lm_head(state)[0, -1].argmax()))
            if len(output) >= len(held.reference) or token != held.reference[len(output)]:
                break
            output.append(token)
            shown.append(token)
            accepted += 1
        if len(output) < len(held.reference):
            output.append(held.reference[len(output)])
        passes += 1
    return accepted, passes


@torch.inference_mode()
def test_measured_equals_played_out(model) -> None:
    rng = np.random.default_rng(0)
    exits, held_out = (1, 2), []
    for _ in range(5):
        shown = rng.integers(0, 80, rng.integers(3, 9)).tolist()
        held = HeldOut(tuple(shown), (int(rng.integers(80)),))
        for _ in range(8):  # half of the reference is what some exit would say
            words = torch.tensor(VOCABULARY.read([*held.prompt, *held.reference])).long()[None]
            said = model.lm_head(exit_states(model, words, exits)[int(rng.integers(2))])[0, -1].argmax()
            token = VOCABULARY.token(int(said)) if rng.random() < 0.7 else int(rng.integers(80))
            held = HeldOut(held.prompt, (*held.reference, token))
        held_out.append(held)
    found = measure(model, exits, held_out, VOCABULARY, rows=3)
    total = sum(len(held.reference) for held in held_out)
    for at, each in enumerate(found):
        for number, most in enumerate((3, 5)):
            played = [draft_until(model, exits, at, held, most) for held in held_out]
            assert each.block_efficiency[number] == pytest.approx(total / sum(passes for _, passes in played))
        assert 0.2 < each.acceptance < 0.9
    with_one = measure(model, exits, held_out, VOCABULARY, rows=1)
    assert [each.acceptance for each in with_one] == [each.acceptance for each in found]
