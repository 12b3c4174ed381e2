"""Drafting with a model that has several exits (S2D, arXiv 2407.01955, section 3.2).

Every word is guessed at the first exit. Where that is unsure, the word is handed on to the next deeper
one, which goes on from the hidden state that is there; where the deepest is unsure, drafting stops. So
deeper layers see words late, several at once::

    layers up to exit 0   ████████████████   all words
    layers up to exit 1   █████████░░░░░░░   those up to the last word that was handed on; ░ is *due*
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from drafts.tiny import UNSURE, Guess, best

HANDED_ON = 0.7
"""A guess of a smaller chance is looked at once more, deeper."""


@dataclass(frozen=True)
class Climb:
    """How sure each exit must be: ``thresholds[0]`` belongs to exit ``first``.

    A large target can wait for a deeper draft: it begins at a later exit of the same model.
    """

    thresholds: tuple[float, ...]
    first: int = 0

    @staticmethod
    def of(exits: int, *, first: int = 0, handed_on: float = HANDED_ON, unsure: float = UNSURE) -> "Climb":
        """The usual climb through a model with so many exits, beginning at exit ``first``."""
        return Climb((handed_on,) * (exits - first - 1) + (unsure,), first)


class Depths(Protocol):
    """A draft over its store, computed as deep as is asked."""

    def append(self, words: Sequence[int], /) -> None:
        """Take words behind those so far; nothing is computed yet."""
        ...

    def logits(self, at: int, /) -> torch.Tensor:
        """The logits ``[words]`` behind the latest word at exit number ``at``, 0 the shallowest.

        Asked in ascending order for one word. Layers that have not seen earlier words catch up on them:
        :class:`Seen` says on which.
        """
        ...


def climb(depths: Depths, plan: Climb) -> Guess | None:
    """The guess of the first exit that is sure enough; None where none is."""
    for at, threshold in enumerate(plan.thresholds, plan.first):
        guess = best(depths.logits(at))
        if guess.chance >= threshold:
            return guess
    return None


def nested_chain(depths: Depths, latest: Sequence[int], plan: Climb, *, most: int) -> list[Guess]:
    """At most ``most`` guesses behind the words ``latest``, which the draft has not seen yet.

    Each word begins at the plan's first exit. The last guess is not computed.
    """
    guesses: list[Guess] = []
    words = latest
    while len(guesses) < most:
        depths.append(words)
        guess = climb(depths, plan)
        if guess is None:
            break
        guesses.append(guess)
        words = (guess.word,)
    return guesses


class Seen:
    """How many words each part of a nested model has encoded; deeper parts never more than shallower.

    Part ``n`` is the layers between exit ``n - 1`` and exit ``n``. Whoever runs the model is the writer.
    """

    def __init__(self, exits: int) -> None:
        """Nothing is encoded."""
        self._lengths = [0] * exits

    @property
    def lengths(self) -> tuple[int, ...]:
        """Words encoded by each part."""
        return tuple(self._lengths)

    def due(self, at: int, length: int) -> list[range]:
        """The positions each part down to exit ``at`` has to encode, for ``length`` words in all.

        A part's input is the part above's output: kept from there on for what is not due above any more.
        """
        return [range(done, length) for done in self._lengths[: at + 1]]

    def encoded(self, at: int, length: int) -> None:
        """The parts down to exit ``at`` have encoded ``length`` words."""
        self._lengths[: at + 1] = [length] * (at + 1)

    def truncate(self, length: int) -> None:
        """Words from position ``length`` on are gone."""
        self._lengths = [min(done, length) for done in self._lengths]
