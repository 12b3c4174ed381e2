"""How often a guess comes true: running shares, by drafter and language. Pure.

A share begins at what the drafter itself says of a guess and moves to what was measured. What is
measured in one language counts for the others as well until they have measured enough of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from drafts.draft import Draft

_PRIOR_WEIGHT = 6.0
"""Measurements that a prior is worth."""
_KEPT = 0.998
"""Of the old measurements, at each new one."""
_BUCKETS = 10
_MOST_SHARES = 4_096


@dataclass
class _Share:
    hits: float = 0.0
    tries: float = 0.0

    def note(self, hit: bool) -> None:
        self.hits = self.hits * _KEPT + hit
        self.tries = self.tries * _KEPT + 1

    def rate(self, prior: float) -> float:
        return (self.hits + _PRIOR_WEIGHT * prior) / (self.tries + _PRIOR_WEIGHT)


@dataclass
class Acceptance:
    """Measured shares of guesses that came true, each given that all guesses before it did."""

    _shares: dict[tuple[str, str, str, int], _Share] = field(
        default_factory=dict[tuple[str, str, str, int], _Share]
    )

    def by_chance(self, drafter: str, language: str, stated: float) -> float:
        """The chance of a guess of which the drafter says ``stated``."""
        return self._rate(drafter, language, "chance", _bucket(stated), prior=stated)

    def by_position(self, drafter: str, language: str, position: int, *, prior: float) -> float:
        """The chance of a guess at ``position`` of a draft, before it was made; ``prior``: unmeasured."""
        return self._rate(drafter, language, "position", position, prior=prior)

    def note(self, draft: Draft, language: str, truth: Sequence[int]) -> None:
        """``truth`` is what the target said where ``draft``, a chain, was made, as far as it is known."""
        for position, (token, chance, said) in enumerate(
            zip(draft.tokens, draft.chances, truth, strict=False)
        ):
            hit = token == said
            for place in (language, ""):
                self._share(draft.drafter, place, "chance", _bucket(chance)).note(hit)
                self._share(draft.drafter, place, "position", position).note(hit)
            if not hit:
                return

    def _rate(self, drafter: str, language: str, kind: str, index: int, *, prior: float) -> float:
        """The share of a language, whose prior is that of all, whose prior is ``prior``."""
        everywhere = self._shares.get((drafter, "", kind, index), _NONE).rate(prior)
        return self._shares.get((drafter, language, kind, index), _NONE).rate(everywhere)

    def _share(self, drafter: str, language: str, kind: str, index: int) -> _Share:
        key = (drafter, language, kind, index)
        if key not in self._shares and len(self._shares) >= _MOST_SHARES:
            del self._shares[next(iter(self._shares))]
        return self._shares.setdefault(key, _Share())


_NONE = _Share()
"""Nothing measured; never written to."""


def _bucket(chance: float) -> int:
    return min(int(chance * _BUCKETS), _BUCKETS - 1)
