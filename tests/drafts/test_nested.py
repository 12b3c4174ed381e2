"""Exits hand unsure words on, and deeper layers catch up on all they have not seen."""

from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st

from drafts.nested import Climb, Seen, climb, nested_chain
from drafts.tiny import tiny_chain

WORDS = 7
EXITS = 3


def logits_of(words: Sequence[int], at: int) -> torch.Tensor:
    """What exit ``at`` thinks behind ``words``: some function of all of them."""
    generator = torch.Generator().manual_seed(hash((tuple(words), at)) % 2**31)
    return torch.randn(WORDS, generator=generator) * 2


class Parts:
    """A nested model whose parts add up which words they encoded; out of order it fails."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.seen = Seen(EXITS)
        self.encoded = [[] for _ in range(EXITS)]
        self.asked: list[tuple[int, int]] = []

    def append(self, words: Sequence[int], /) -> None:
        self.words += words

    def logits(self, at: int, /) -> torch.Tensor:
        self.asked.append((len(self.words), at))
        for part, due in enumerate(self.seen.due(at, len(self.words))):
            assert due.start == len(self.encoded[part])
            self.encoded[part] += self.words[due.start : due.stop]
            assert part == 0 or len(self.encoded[part]) <= len(self.encoded[part - 1])
        self.seen.encoded(at, len(self.words))
        return logits_of(self.encoded[at], at)


def plainly(words: list[int], plan: Climb, most: int) -> list[int]:
    """The same drafting without any state."""
    found: list[int] = []
    for _ in range(most):
        for at, threshold in enumerate(plan.thresholds, plan.first):
            chances = logits_of(words + found, at).softmax(-1)
            if float(chances.max()) >= threshold:
                found.append(int(chances.argmax()))
                break
        else:
            return found
    return found


@given(
    words=st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=5),
    first=st.integers(0, EXITS - 1),
    limits=st.tuples(st.floats(0.2, 0.9), st.floats(0.1, 0.6)),
    most=st.integers(0, 6),
)
def test_a_chain_is_what_drafting_without_state_gives(words, first, limits, most) -> None:
    plan = Climb.of(EXITS, first=first, handed_on=limits[0], unsure=limits[1])
    parts = Parts()
    guesses = nested_chain(parts, words, plan, most=most)
    assert [guess.word for guess in guesses] == plainly(words, plan, most)
    assert len(set(parts.asked)) == len(parts.asked)  # nothing is computed twice


def test_a_sure_exit_spares_the_deeper_layers() -> None:
    parts = Parts()
    nested_chain(parts, [1, 2], Climb((0.0, 0.0, 0.0)), most=3)
    assert parts.seen.lengths == (4, 0, 0)
    assert climb(parts, Climb((2.0, 2.0, 0.0))) is not None
    assert parts.seen.lengths == (4, 4, 4)
    parts.seen.truncate(3)
    assert parts.seen.due(2, 5) == [range(3, 5)] * 3


def test_with_one_exit_it_is_a_tiny_model() -> None:
    class Whole:
        words: tuple[int, ...] = ()

        def __call__(self, words: Sequence[int], /) -> torch.Tensor:
            self.words += tuple(words)
            return logits_of(self.words, 0)

    nested = nested_chain(Parts(), [1, 2], Climb.of(1, unsure=0.3), most=5)
    assert nested == tiny_chain(Whole(), [1, 2], most=5, unsure=0.3)
