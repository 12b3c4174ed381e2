"""Completions beside a repository-wide summary and a re-index in the same process.

A recorded session is typed, with pauses, on the service in this process: quietly, under the load, and
under the same load first-in-first-out. A round has all phases and each round begins with another one,
so a machine whose speed changes changes it for all of them.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chores import CHUNK, READ, WRITTEN, Chore, Work, index, running, summaries
from benchmarks.load_table import ALONE, CONTROL, INDEXED, LOADED, QUIET, Phase, Phases, rows, verdicts
from benchmarks.table import Report
from benchmarks.traces import read_trace
from benchmarks.typist import ANSWER, BURST, GAP_S, PAUSE_S, Typist, retyped
from completion.config import CompletionConfig, EngineConfig
from completion.service import CompletionService
from completion.worker import Priority

_EDITS = 400
"""Edits that a round may reach; the next one begins behind them."""
_IDLE_S = 3.0
_POLL_S = 0.05


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase of a round")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--trace", type=Path, help="a recorded session; default: this project typed again")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first edit to ask at")
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


def run(options: argparse.Namespace) -> int:
    phases, idle_s = asyncio.run(_measure(options))
    notes = [
        *_how(options),
        *verdicts(phases),
        f"Idle, with the model loaded: {idle_s * 1e3:.0f} ms of processor time in {_IDLE_S:g} s.",
    ]
    Report("load", rows(phases), notes).write(options.json)
    return 0


def _how(options: argparse.Namespace) -> list[str]:
    """Sentences on what was measured."""
    name = options.trace.name if options.trace else "This project typed again, without a jump"
    job = f"a summary of a file ({READ:,} tokens read, {WRITTEN} written at most)"
    return [
        f"{name}; {options.rounds} rounds of {options.seconds:g} s a phase, edits from {options.first} on.",
        f"A request an edit, each awaited, {ANSWER} tokens at most.",
        (
            f"From an answer to the next edit {GAP_S[0]:g} to {GAP_S[1]:g} s, "
            f"to every {BURST}th {PAUSE_S[0]:g} to {PAUSE_S[1]:g} s; the same in all phases."
        ),
        f"Load: {job} and a chunk of the index ({CHUNK} tokens); as one ends the next of its kind comes.",
        "The index is less urgent than the summaries: beside them it gets what is left between two of them.",
        "Control: the same jobs, as urgent as a completion: in the order they came, each to its end.",
        "At most one of each kind is in front of a completion; a queue of all files would be slower by far.",
        "First token and queue: from when the edit was due. The first three rows are of the same edits.",
    ]


async def _measure(options: argparse.Namespace) -> tuple[Phases, float]:
    """All rounds, and the processor seconds of doing nothing behind them."""
    service = CompletionService(EngineConfig(model=options.model), CompletionConfig())
    await service.start()
    try:
        await service.ready()
        rounds = Rounds(service, _typist(service, options), options.first, options.seconds)
        await rounds.measure(options.rounds)
        await _settled(service)
        started = time.process_time()
        await asyncio.sleep(_IDLE_S)
        return rounds.phases, time.process_time() - started
    finally:
        await service.stop()


def _typist(service: CompletionService, options: argparse.Namespace) -> Typist:
    if options.trace:
        return Typist(service, read_trace(options.trace), "rust")
    return Typist(service, retyped(), "python")


async def _settled(service: CompletionService) -> None:
    """Wait until nothing runs, is queued or due."""
    while service.refreshing or service.status().waiting:  # noqa: ASYNC110 # nothing signals it
        await asyncio.sleep(_POLL_S)


def _phases() -> Phases:
    return {name: Phase() for name in (QUIET, LOADED, INDEXED, ALONE, CONTROL)}


@dataclass
class Rounds:
    """Measures every phase in turn. ``first`` is the edit to begin at; ``seconds`` are of each phase."""

    service: CompletionService
    typist: Typist
    first: int
    seconds: float
    phases: Phases = field(default_factory=_phases)
    _summaries: Iterator[Work] = field(default_factory=summaries)
    _index: Iterator[Work] = field(default_factory=index)

    async def measure(self, rounds: int) -> None:
        """So many rounds, each beginning with another phase."""
        names = list(self.phases)
        for number in range(rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                await _settled(self.service)
                await self._phase(name, number)
            print(f"round {number + 1}/{rounds}", file=sys.stderr, flush=True)

    async def _phase(self, name: str, number: int) -> None:
        started = time.perf_counter()
        async with running(self.service, self._chores(name)):
            if name == ALONE:
                await asyncio.sleep(self.seconds)
            else:
                await self._type(name, number)
        self.phases[name].seconds += time.perf_counter() - started

    def _chores(self, name: str) -> list[Chore]:
        """The load of a phase."""
        phase, equal = self.phases[name], name == CONTROL
        chunks = Chore(self._index, Priority.INTERACTIVE if equal else Priority.EMBEDDING, phase.index)
        files = Chore(self._summaries, Priority.INTERACTIVE if equal else Priority.SUMMARY, phase.summaries)
        return {QUIET: [], INDEXED: [chunks]}.get(name, [files, chunks])

    async def _type(self, name: str, number: int) -> None:
        total = len(self.typist.trace.transactions)
        first = (self.first + number * _EDITS) % total
        edits = range(first, min(first + _EDITS, total))
        self.phases[name].strokes += await self.typist.type(f"{name} {number}", edits, self.seconds)
