"""What the making of a draft tells whoever waits for it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far one part has come: ``done`` of ``total``, 0 while that is unknown.

    ``part`` names it for a person; ``note`` is what there is to say about it now, a loss for example.
    """

    part: str
    done: int
    total: int = 0
    note: str = ""


OnProgress = Callable[[Progress], None]
"""Called on the thread that trains."""
Stopped = Callable[[], bool]
"""Whether to stop at the next step; asked often, so cheap."""


def quiet(_progress: Progress) -> None:
    """Tell nobody."""


def never() -> bool:
    """Go on to the end."""
    return False


class Interrupted(Exception):
    """The run was asked to stop. All that was done is kept; nobody outside of a run sees this."""


@dataclass(frozen=True)
class Watch:
    """Who is told how far a run is, and who may stop it."""

    tell: OnProgress = quiet
    stopped: Stopped = never

    def follow(self, part: str, work: Generator[int, None, T], total: int = 0) -> T:
        """Run ``work``, which yields how much is done, and return its result. Raises Interrupted."""
        while True:
            try:
                done = next(work)
            except StopIteration as end:
                return end.value
            self.tell(Progress(part, done, total))
            if self.stopped():
                work.close()
                raise Interrupted
