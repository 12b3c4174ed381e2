"""The shapes that passes are recorded in: few, so that few recordings serve all. Pure."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

ROW_COUNTS = (1, 2, 4, 8, 16)
"""Rows of a recorded pass. Longer ones are prefill: there the arithmetic takes the time, not the launches."""

EXTENT_STEP = 512
"""Slots that a recorded pass reads are a multiple of this many, or all there are."""

_GPU_ROWS = 8
"""A GPU computes so many times as many rows before anybody waits for it."""

_Item = TypeVar("_Item")


class Output(Enum):
    """Which logits a pass gives."""

    NONE = "none"
    LAST = "last"
    EVERY = "every"


class PassShape(NamedTuple):
    """What a recording is good for, beside its store."""

    rows: int
    extent: int
    output: Output


def recorded_shape(rows: int, extent: int, *, capacity: int, output: Output) -> PassShape | None:
    """The shape in which a pass of ``rows`` rows over ``extent`` slots is recorded; None: it is not."""
    if not 0 < rows <= ROW_COUNTS[-1]:
        return None
    wide = -(-extent // EXTENT_STEP) * EXTENT_STEP
    if rows == 1 and output is Output.EVERY:
        output = Output.LAST
    return PassShape(next(count for count in ROW_COUNTS if count >= rows), min(wide, capacity), output)


def rows_at_once(rows: int, device_type: str) -> int:
    """How many rows a step of prefill or refresh takes, where a CPU takes ``rows``."""
    return rows * _GPU_ROWS if device_type == "cuda" else rows


def padded(row: Sequence[_Item], count: int) -> list[_Item]:
    """``row`` filled up to ``count`` with its last item.

    A row that is computed twice writes the same to the same slot, so padding needs neither a
    slot of its own nor a mask; and the last row is always the last.
    """
    return [*row, *([row[-1]] * (count - len(row)))]
