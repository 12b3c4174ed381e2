"""What the server says about itself: counts since its start, and the engine's state."""

import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from assistant.lsp.convert import status_of
from assistant.lsp.server import Event
from completion.records import ServiceStatus


class Stats:
    """Counts events and connections. Written on the event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._events = Counter[Event]()
        self.connections = 0
        """Open now."""

    def count(self, event: Event) -> None:
        """One more of ``event``."""
        self._events[event] += 1

    def health(self, status: ServiceStatus) -> dict[str, Any]:
        """For anybody: state and version, nothing else."""
        return {"state": status.state.value, "version": version("splice-assistant")}

    def full(self, status: ServiceStatus) -> dict[str, Any]:
        """For whoever has the token."""
        return {
            **status_of(status),
            "version": version("splice-assistant"),
            "uptimeSeconds": round(self._clock() - self._started, 1),
            "connections": self.connections,
            "events": dict(self._events),
        }
