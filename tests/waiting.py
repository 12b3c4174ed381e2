"""Waiting for a condition, never for a time."""

import asyncio
import os
from collections.abc import Callable

PATIENCE_S = 30.0


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the condition is anything, nothing signals it
            await asyncio.sleep(0.005)


def stretched(seconds: float) -> float:
    """``seconds`` of an idle machine, on this one as busy as it is."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * max(1.0, 2 * busy)
