"""Drafting with the target's own first layers and an adapter (Kangaroo, arXiv 2404.18911).

Each token goes through the first layers, whose keys and values and hidden states the target takes over
when it checks the draft, and through the adapter, which guesses the next. Drafting stops where a guess
is not likely enough: what follows an unlikely guess is hardly ever of use (section 3.2, "double early exit").
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch

from drafts.draft import CostlyDrafter, Draft, Source, Verdict

LEAST_CHANCE = 0.6
"""A guess that is less likely ends the draft; the value of the paper's code."""
_FOLLOW = 0.2


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


class EarlyExit(CostlyDrafter):
    """Guesses with the target's first layers. Lives on the engine thread."""

    def __init__(
        self, target: Exit, *, least_chance: float = LEAST_CHANCE, stop_ids: frozenset[int] = frozenset()
    ) -> None:
        """``least_chance`` in ``[0, 1]``: what a guess needs to be drafted; ``stop_ids`` never are."""
        self._exit = target
        self._least = least_chance
        self._stop_ids = stop_ids
        self._prompt: int | None = None
        self._token_s = 0.0

    @property
    def name(self) -> str:
        """As it is called in settings, traces and tables."""
        return "early_exit"

    @property
    def token_s(self) -> float:
        """Seconds that a guess took lately; 0 before any was made.

        What the target saves later, as these layers are done, is part of what its passes take.
        """
        return self._token_s

    def pending_s(self, source: Source) -> float:  # noqa: ARG002 - as CostlyDrafter says
        """Nothing: the target's cache has what the adapter reads."""
        return 0.0

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Nothing is to be prepared: the target's cache has what the adapter reads."""
        self._prompt = len(source.prompt)
        yield from ()

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """A chain of guesses, each at least as likely as was asked for."""
        return self.guess(output, most, 0.0)

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        """As :meth:`propose`; ends where the chance of the whole draft falls below ``floor``.

        Empty where the cache does not hold the prompt and all of ``output`` but the latest.
        """
        if not output or most < 1 or self._prompt is None:
            return Draft(self.name)
        if self._exit.held != self._prompt + len(output) - 1:
            return Draft(self.name)
        tokens: list[int] = []
        chances: list[float] = []
        together = 1.0
        with self._exit.drafting() as guess:
            latest = output[-1]
            while len(tokens) < most:
                started = time.perf_counter()
                likeliest, word = guess(latest).softmax(dim=-1).max(dim=-1)
                chance, latest = float(likeliest), self._exit.vocabulary[int(word)]
                self._took(time.perf_counter() - started)
                together *= chance
                if chance < self._least or together < floor or latest in self._stop_ids:
                    break
                tokens.append(latest)
                chances.append(chance)
        return Draft.chain(self.name, tokens, chances)

    def observe(self, verdict: Verdict) -> None:
        """Nothing is learnt: the cache says what was accepted."""

    def end(self) -> None:
        """Drafts no more until the next request."""
        self._prompt = None

    def forget(self, document: str) -> None:
        """Nothing is kept."""

    def _took(self, seconds: float) -> None:
        self._token_s += _FOLLOW * (seconds - self._token_s) if self._token_s else seconds
