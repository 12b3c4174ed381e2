"""Drafting with one small model of its own vocabulary (FastDraft, arXiv 2411.11055).

What is special about it: it speaks in words (:mod:`drafts.vocabulary`), and it stops where it is unsure
(Kangaroo, arXiv 2404.18911, section 3.2). Running the model over a store is the caller's: a ``Step``.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from drafts.draft import Draft
from drafts.vocabulary import Vocabulary

UNSURE = 0.4
"""A guess of a smaller chance is not worth a row of the target's pass."""


class Guess(NamedTuple):
    """The likeliest word, and how likely the draft thinks it is, in ``(0, 1]``."""

    word: int
    chance: float


class Step(Protocol):
    """Appends words to what the draft has seen and computes the logits behind the last, ``[words]``."""

    def __call__(self, words: Sequence[int], /) -> torch.Tensor:
        """``words`` is not empty."""
        ...


def best(logits: torch.Tensor) -> Guess:
    """The guess that logits ``[words]`` make."""
    shifted = logits.float() - logits.max()
    return Guess(int(logits.argmax()), 1.0 / float(shifted.exp().sum()))


def tiny_chain(step: Step, latest: Sequence[int], *, most: int, unsure: float = UNSURE) -> list[Guess]:
    """At most ``most`` guesses behind the words ``latest``, which the draft has not seen yet.

    Ends before the first guess whose chance is below ``unsure``. The last guess is not computed.
    """
    guesses: list[Guess] = []
    words = latest
    while len(guesses) < most:
        guess = best(step(words))
        if guess.chance < unsure:
            break
        guesses.append(guess)
        words = (guess.word,)
    return guesses


def as_draft(name: str, guesses: Sequence[Guess], vocabulary: Vocabulary) -> Draft:
    """The guesses as a chain of the target's tokens."""
    tokens = [vocabulary.token(guess.word) for guess in guesses]
    return Draft.chain(name, tokens, [guess.chance for guess in guesses])
