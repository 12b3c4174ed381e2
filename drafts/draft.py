"""What a drafter says, and what the target says to it. Plain values, no tensors.

Words, as in the field: *drafted* tokens are guessed; those the target would have said itself are
*accepted*; behind them the target gives one token of its own, *recovered* where it refused a
guess, a *bonus* where there was none left to refuse. All of these but the refused are the *output*.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kvcache.spans import TaggedTokens

ROOT = -1
"""The parent of what follows the latest token of the output itself."""


@dataclass(frozen=True)
class Draft:
    """Guesses behind the latest token: a chain, or a tree of several.

    Node ``i`` is ``tokens[i]`` behind node ``parents[i] < i``, or behind the latest token where that is
    ``ROOT``. Children of one node have different tokens. ``chances[i]`` is what the drafter thinks of
    its being accepted once its parent is, in ``(0, 1]``.
    """

    drafter: str
    tokens: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    chances: tuple[float, ...] = ()

    @staticmethod
    def chain(drafter: str, tokens: Sequence[int], chances: Sequence[float] = ()) -> "Draft":
        """One guess, token behind token; ``chances`` are 1 where none are given."""
        parents = tuple(range(ROOT, len(tokens) - 1))
        return Draft(drafter, tuple(tokens), parents, tuple(chances) or (1.0,) * len(tokens))

    def __len__(self) -> int:
        """Tokens drafted."""
        return len(self.tokens)

    @property
    def is_chain(self) -> bool:
        """Whether every token follows the one before it."""
        return all(parent == at - 1 for at, parent in enumerate(self.parents))


@dataclass(frozen=True)
class Verdict:
    """What became of a draft: the nodes accepted, root first, and the target's own token behind them."""

    draft: Draft
    accepted: tuple[int, ...]
    own: int

    @property
    def output(self) -> tuple[int, ...]:
        """The tokens that this pass of the target gives."""
        return (*(self.draft.tokens[node] for node in self.accepted), self.own)

    @property
    def is_bonus(self) -> bool:
        """Whether nothing was refused: the last node accepted has nothing behind it."""
        last = self.accepted[-1] if self.accepted else ROOT
        return last not in self.draft.parents


@dataclass(frozen=True)
class Source:
    """The request that is drafted for. ``prompt`` is what the target was shown.

    ``predicted`` are tokens that somebody expects behind the prompt, and ``document`` names the
    document, None where nothing is to be kept.
    """

    prompt: TaggedTokens
    document: str | None = None
    predicted: tuple[int, ...] = ()
    language: str = "plaintext"


class Drafter(Protocol):
    """Guesses what the target will say. Lives on the engine thread, serves one request at a time."""

    @property
    def name(self) -> str:
        """As it is called in settings, traces and tables."""
        ...

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Get ready for a request, pausing as the engine does; may be closed at a pause."""
        ...

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """Guess at most ``most`` tokens behind the prompt and ``output``, the target's tokens so far.

        Empty where there is no guess worth a row of the target's pass. Cheap beside that pass, or
        measured by the caller.
        """
        ...

    def observe(self, verdict: Verdict) -> None:
        """The target has judged a draft, of whichever drafter; the output has grown by the verdict's."""
        ...

    def end(self) -> None:
        """The request is over, however it ended."""
        ...

    def forget(self, document: str) -> None:
        """The document was closed: keep nothing of it."""
        ...


class CostlyDrafter(Drafter, Protocol):
    """One whose guesses take a model's time. Its caller begins it for a request only where that pays."""

    @property
    def token_s(self) -> float:
        """Seconds that a drafted token takes; a guess before any was measured."""
        ...

    def pending_s(self, source: Source) -> float:
        """Seconds that :meth:`begin` would take."""
        ...

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        """As :meth:`propose`; stops where the chance of the whole draft falls below ``floor``."""
        ...
