"""Asks one engine after the other what has not been asked yet, and judges the answers."""

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.fim import is_exact, program
from benchmarks.held_out import Window
from benchmarks.infills import Answer, Infill
from benchmarks.kept import Judged, Kept, Read
from benchmarks.sandbox import Sandbox

_TOLD = 10
"""Answers between two lines of progress."""


class Engine(Protocol):
    """What can be measured."""

    def answer(self, infill: Infill) -> Answer:
        """The greedy answer."""
        ...

    def nats(self, window: Sequence[int]) -> float | None:
        """Negative log-likelihood of all tokens but the first; None where it is not told."""
        ...


@dataclass(frozen=True)
class Contestant:
    """An engine that is not loaded yet. ``made_by`` names what its findings depend on."""

    name: str
    made_by: str
    start: Callable[[], Engine]


@dataclass(frozen=True)
class Task:
    """What all of them are asked."""

    infills: Sequence[Infill]
    windows: Sequence[Window]


def measure(contestant: Contestant, task: Task, sandbox: Sandbox, kept: Kept) -> None:
    """Ask what ``kept`` does not hold yet; the engine is loaded only if something is left."""
    infills = [each for each in task.infills if each.case.name not in kept.judged]
    windows = [each for each in task.windows if each.name not in kept.read]
    if not infills and not windows:
        return
    engine = contestant.start()
    for window in windows:
        kept.add(Read(window.name, len(window.ids) - 1, engine.nats(window.ids)))
    for infill in infills:
        kept.add(_judge(infill, engine.answer(infill), sandbox))
        if len(kept.judged) % _TOLD == 0:
            print(f"{contestant.name}: {len(kept.judged)}/{len(task.infills)}", file=sys.stderr, flush=True)
    del engine
    gc.collect()


def _judge(infill: Infill, answer: Answer, sandbox: Sandbox) -> Judged:
    verdict = sandbox.run(program(infill.case, answer.line))
    exact = is_exact(infill.case, answer.line)
    return Judged(infill.case.name, answer, passed=verdict.passed, reason=verdict.reason, exact=exact)
