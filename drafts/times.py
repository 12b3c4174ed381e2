"""What a pass of the target takes, by its rows: learnt from the passes of decoding, few rows each.

A pass of ``n`` rows takes ``speed · shape(n)`` seconds with ``shape(1) = 1``. The speed follows the
machine, which is busy now and idle then; the shape is a median, since it hardly changes.
"""

import statistics
from collections import deque

_FOLLOW = 0.2
"""Of a new measurement in the speed."""
_JUMP = 1.5
"""A measurement counts as so many times the speed at most: a pass that was interrupted says little."""
_MEASURED = 9
_FORGOTTEN_AFTER = 400
"""Passes; a shape that was not measured since is guessed anew, so a bad one does not stay."""
_GUESSED_ROW = 0.1
"""What one more row is guessed to cost, in passes of one row."""


class PassTimes:
    """Running estimates. Lives on the engine thread."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._speed = 0.0
        self._passes = 0
        self._shapes: dict[int, deque[float]] = {}
        self._latest: dict[int, int] = {}

    def note(self, rows: int, seconds: float) -> None:
        """A pass of ``rows`` rows took ``seconds``."""
        self._passes += 1
        if not self._speed:
            self._speed = seconds / self.shape(rows)
        if rows > 1:
            self._shapes.setdefault(rows, deque(maxlen=_MEASURED)).append(seconds / self._speed)
            self._latest[rows] = self._passes
        told = min(max(seconds / self.shape(rows), self._speed / _JUMP), self._speed * _JUMP)
        self._speed += _FOLLOW * (told - self._speed)
        for stale in [n for n, at in self._latest.items() if self._passes - at > _FORGOTTEN_AFTER]:
            del self._shapes[stale], self._latest[stale]

    def seconds(self, rows: int) -> float:
        """What a pass of ``rows`` rows will take; 0 before any was noted."""
        return self._speed * self.shape(rows)

    def shape(self, rows: int) -> float:
        """What a pass of ``rows`` rows takes, in passes of one row, at least 1."""
        known = {1: 1.0} | {n: max(statistics.median(each), 1.0) for n, each in self._shapes.items()}
        below = max(n for n in known if n <= rows)
        above = min((n for n in known if n >= rows), default=None)
        if above is None:
            return known[below] + (rows - below) * _GUESSED_ROW
        share = (rows - below) / (above - below) if above > below else 0.0
        return known[below] + share * (known[above] - known[below])
