"""What a training run measured of itself: rows that are written as CSV and drawn as PNG."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drafts.card import WINDOWS, Measured
from drafts.train.png import Curve, Panel, write_png

_LOSS_AT_LEAST = 1.0
CSV, PNG = "curves.csv", "curves.png"


@dataclass(frozen=True)
class Row:
    """The run after ``step`` steps; ``loss`` is the mean since the row before, in nats a word."""

    step: int
    stage: str
    loss: float | None
    measured: tuple[Measured, ...] = ()
    """One for each exit; empty where nothing was measured."""


def write_curves(folder: Path, rows: Sequence[Row], exits: Sequence[int]) -> None:
    """Write ``curves.csv`` and ``curves.png`` into ``folder``."""
    (folder / CSV).write_text(as_csv(rows, exits), encoding="utf-8")
    write_png(folder / PNG, list(_panels(rows, exits)), "step", rows[-1].step if rows else 1)


def as_csv(rows: Sequence[Row], exits: Sequence[int]) -> str:
    """The rows as a table; what was not measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{name}@{depth}" for depth in exits for name in _names()]
    writer.writerow(["step", "stage", "loss", *names])
    for row in rows:
        cells = [f"{cell:.5f}" for each in row.measured for cell in _cells(each)] or [""] * len(names)
        writer.writerow([row.step, row.stage, "" if row.loss is None else f"{row.loss:.5f}", *cells])
    return text.getvalue()


def as_state(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain values, for a checkpoint."""
    return [
        {
            "step": row.step,
            "stage": row.stage,
            "loss": row.loss,
            "measured": [[each.loss, each.acceptance, *each.block_efficiency] for each in row.measured],
        }
        for row in rows
    ]


def from_state(state: Sequence[dict[str, Any]]) -> list[Row]:
    """The rows of :func:`as_state`. Raises KeyError, TypeError or ValueError for anything else."""
    return [
        Row(
            step=int(row["step"]),
            stage=str(row["stage"]),
            loss=None if row["loss"] is None else float(row["loss"]),
            measured=tuple(
                Measured(loss, acceptance, tuple(blocks)) for loss, acceptance, *blocks in row["measured"]
            ),
        )
        for row in state
    ]


def _names() -> tuple[str, ...]:
    return ("held_out_loss", "acceptance", *(f"block_efficiency_{window}" for window in WINDOWS))


def _cells(measured: Measured) -> tuple[float, ...]:
    return (measured.loss, measured.acceptance, *measured.block_efficiency)


def _panels(rows: Sequence[Row], exits: Sequence[int]) -> Iterator[Panel]:
    judged = [row for row in rows if row.measured]
    lost = [Curve("training", [(row.step, row.loss) for row in rows if row.loss is not None])]
    lost += [
        Curve(f"held out @{depth}", [(row.step, row.measured[at].loss) for row in judged])
        for at, depth in enumerate(exits)
    ]
    highest = max((y for curve in lost for _, y in curve.points), default=_LOSS_AT_LEAST)
    yield Panel("loss (nats)", lost, 0.0, max(highest, _LOSS_AT_LEAST))
    accepted = [
        Curve(f"@{depth}", [(row.step, row.measured[at].acceptance) for row in judged])
        for at, depth in enumerate(exits)
    ]
    yield Panel("acceptance", accepted, 0.0, 1.0)
    for number, window in enumerate(WINDOWS):
        blocks = [
            Curve(f"@{depth}", [(row.step, row.measured[at].block_efficiency[number]) for row in judged])
            for at, depth in enumerate(exits)
        ]
        yield Panel(f"block efficiency (window {window})", blocks, 1.0, float(window + 1))
