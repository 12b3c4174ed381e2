"""Guesses of a small model: as many as are sure enough, each computed once."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drafts.tiny import Guess, as_draft, best, tiny_chain
from drafts.vocabulary import Vocabulary


class Counting:
    """Says the word behind the one it saw, with the chances it is given; remembers what it was shown."""

    def __init__(self, chances: Sequence[float]) -> None:
        self.chances = list(chances)
        self.seen: list[list[int]] = []

    def __call__(self, words: Sequence[int], /) -> torch.Tensor:
        chance = self.chances[len(self.seen)]
        self.seen.append(list(words))
        logits = torch.full((10,), float(np.log((1 - chance) / 9 + 1e-12)))
        logits[(words[-1] + 1) % 10] = float(np.log(chance))
        return logits


def test_the_chance_is_that_of_softmax() -> None:
    logits = torch.tensor([1.0, 4.0, -2.0])
    assert best(logits).word == 1
    assert best(logits).chance == pytest.approx(float(logits.softmax(-1)[1]))


@given(
    chances=st.lists(st.sampled_from((0.2, 0.45, 0.55, 0.9)), min_size=6, max_size=6), most=st.integers(0, 6)
)
def test_drafting_ends_where_it_is_unsure(chances: list[float], most: int) -> None:
    step = Counting(chances)
    guesses = tiny_chain(step, [8, 3], most=most, unsure=0.5)
    sure = next((at for at, chance in enumerate(chances) if chance < 0.5), len(chances))
    assert [guess.word for guess in guesses] == [4, 5, 6, 7, 8, 9][: min(sure, most)]
    assert step.seen == [[8, 3], [4], [5], [6], [7], [8]][: min(sure + 1, most)]


def test_guesses_become_the_targets_tokens() -> None:
    vocabulary = Vocabulary(np.array([4, 9], np.int32), np.array([0] * 9 + [1], np.int32))
    draft = as_draft("tiny", [Guess(1, 0.9), Guess(0, 0.5)], vocabulary)
    assert (draft.tokens, draft.chances, draft.is_chain) == ((9, 4), (0.9, 0.5), True)
    assert len(as_draft("tiny", [], vocabulary)) == 0
