"""What a forward pass costs on this device, learnt while it runs.

A pass of ``n`` rows takes about ``base + n · per_row`` seconds: the weights are read once,
whatever the rows. Both are running means, so a budget of time becomes a budget of tokens.
"""

_WEIGHT = 0.2
"""Of a new measurement in the running mean."""
_MANY_ROWS = 16
"""Passes of at least so many rows tell the cost of a row, those of one tell the base."""


class StepCosts:
    """Running estimates; lives on the engine thread, which alone notes into it."""

    def __init__(self, per_row_s: float) -> None:
        """``per_row_s`` is the guess before anything was measured."""
        self._per_row_s = per_row_s
        self._base_s = 0.0

    @property
    def per_row_s(self) -> float:
        """Seconds that one more row takes."""
        return self._per_row_s

    @property
    def base_s(self) -> float:
        """Seconds that a pass takes whatever its rows; 0 before one of a single row was noted."""
        return self._base_s

    def note(self, rows: int, seconds: float) -> None:
        """A pass of ``rows`` rows took ``seconds``. Passes of few rows say little and are passed over."""
        if rows == 1:
            self._base_s = _mean(self._base_s or seconds, seconds)
        elif rows >= _MANY_ROWS:
            share = max(seconds - self._base_s, seconds / 4) / rows
            self._per_row_s = _mean(self._per_row_s, share)

    def rows_within(self, seconds: float) -> int:
        """How many more rows fit into ``seconds``."""
        return int(seconds / self._per_row_s)


def _mean(old: float, new: float) -> float:
    return old + _WEIGHT * (new - old)
