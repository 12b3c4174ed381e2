"""What a request took from the cache and what it had to compute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReuseReport:
    """Token counts of one request's prompt.

    The prompt is tiled by ``kept + shifted + computed``; ``repaired`` counts those of
    ``computed`` that were cached but encoded again, ``stale`` those of ``kept`` and ``shifted``
    whose cached values were computed against another text and were left so.
    """

    kept: int = 0
    shifted: int = 0
    computed: int = 0
    repaired: int = 0
    stale: int = 0

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt."""
        return self.kept + self.shifted + self.computed

    @property
    def exact(self) -> bool:
        """Whether every cached token equals a cold computation (up to the data type)."""
        return self.stale == 0
