"""What a long step tells whoever waits for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["wait", "download", "verify", "convert"]


@dataclass(frozen=True)
class Progress:
    """How far one stage has come.

    ``done`` and ``total`` are bytes; ``total`` is 0 while it is unknown, and throughout ``wait``
    (another process works on the same model). ``detail`` is for a person and names the step.
    """

    stage: Stage
    done: int
    total: int
    detail: str


OnProgress = Callable[[Progress], None]
"""May raise to stop the work: what was fetched so far stays and is used by the next attempt."""


def quiet(_progress: Progress) -> None:
    """Tell nobody."""
