"""Drafting with the target's own first layers and an adapter (Kangaroo, arXiv 2404.18911).

Each token goes through the first layers, whose keys and values and hidden states the target takes over
when it checks the draft, and through the adapter, which guesses the next. Drafting stops where a guess
is not likely enough: what follows an unlikely guess is hardly ever of use (section 3.2, "double early exit").
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch

from drafts.draft import Draft, Source, Verdict

LEAST_CHANCE = 0.6
"""A guess that is less likely ends the draft; the value of the paper's code."""


class Exit(Protocol):
    """The target's first layers and the adapter, over the cache that the target uses."""

    @property
    def vocabulary(self) -> Sequence[int]:
        """The target's id of each word that is guessed."""
        ...

    @property
    def held(self) -> int:
        """Tokens in the cache."""
        ...

    def drafting(self) -> AbstractContextManager[Callable[[int], torch.Tensor]]:
        """What takes the next token and gives the logits behind it, float32 ``[words]``.

        The cache is what it was when the block ends.
        """
        ...


class EarlyExit:
    """A :class:`~drafts.draft.Drafter` that guesses with the target's first layers."""

    name = "early_exit"

    def __init__(self, target: Exit, *, least_chance: float = LEAST_CHANCE) -> None:
        """``least_chance`` in ``[0, 1]``: what a guess needs to be drafted."""
        self._exit = target
        self._least = least_chance
        self._prompt: int | None = None

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Nothing is to be prepared: the target's cache has what the adapter reads."""
        self._prompt = len(source.prompt)
        yield from ()

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """A chain of guesses, each at least as likely as was asked for.

        Empty where the cache does not hold the prompt and all of ``output`` but the latest.
        """
        if not output or most < 1 or self._prompt is None:
            return Draft(self.name)
        if self._exit.held != self._prompt + len(output) - 1:
            return Draft(self.name)
        tokens: list[int] = []
        chances: list[float] = []
        with self._exit.drafting() as guess:
            latest = output[-1]
            while len(tokens) < most:
                chance, word = guess(latest).softmax(dim=-1).max(dim=-1)
                if float(chance) < self._least:
                    break
                latest = self._exit.vocabulary[int(word)]
                tokens.append(latest)
                chances.append(float(chance))
        return Draft.chain(self.name, tokens, chances)

    def observe(self, verdict: Verdict) -> None:
        """Nothing is learnt: the cache says what was accepted."""

    def end(self) -> None:
        """Drafts no more until the next request."""
        self._prompt = None
