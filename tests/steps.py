"""Drives generators of steps to their end, or into trouble."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def run(steps: Generator[None, None, T]) -> T:
    """Take every step and return what the generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def run_some(steps: Generator[None, None, T], count: int) -> None:
    """Take at most ``count`` steps, then close the generator."""
    for _ in range(count):
        if next(steps, steps) is steps:
            break
    steps.close()
