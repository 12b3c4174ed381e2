"""What a run has measured so far, as it is kept in a checkpoint: so a resumed run's curves are whole."""

from collections.abc import Sequence
from typing import Any

from drafts.card import Measured
from drafts.train.curves import Row, as_state, from_state


class Ledger:
    """The rows of the curves, and the losses since the last."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows: list[Row] = []
        self._sum = 0.0
        self._count = 0

    @property
    def recent(self) -> float | None:
        """The mean loss since the last row; None right behind it."""
        return self._sum / self._count if self._count else None

    @property
    def measured(self) -> tuple[Measured, ...]:
        """What was measured last; empty before."""
        return next((row.measured for row in reversed(self.rows) if row.measured), ())

    def add(self, loss: float) -> None:
        """Take a step's loss."""
        self._sum += loss
        self._count += 1

    def close(self, step: int, stage: str, measured: Sequence[Measured] = ()) -> None:
        """End a row behind ``step``."""
        self.rows.append(Row(step, stage, self.recent, tuple(measured)))
        self._sum, self._count = 0.0, 0

    def state(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"rows": as_state(self.rows), "sum": self._sum, "count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the ledger that gave ``state``. Raises KeyError, TypeError or ValueError."""
        self.rows = from_state(state["rows"])
        self._sum, self._count = float(state["sum"]), int(state["count"])
