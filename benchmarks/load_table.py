"""What the phases of the load benchmark found: its table and its verdicts. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.chores import Meter, Step
from benchmarks.keystrokes import percentile
from benchmarks.table import Cell, Row
from benchmarks.typist import Stroke, paired

QUIET, LOADED, INDEXED = "quiet", "under load", "under the index alone"
ALONE, CONTROL = "load, nobody types", "first in, first out (control)"
_RISE = 1.1
"""The goal: so many times the quiet 95th percentile, and one step."""


@dataclass
class Phase:
    """What one way of working did, all rounds together."""

    strokes: list[Stroke] = field(default_factory=list[Stroke])
    summaries: Meter = field(default_factory=Meter)
    index: Meter = field(default_factory=Meter)
    seconds: float = 0.0

    @property
    def steps(self) -> list[Step]:
        """Every step of the chores."""
        return [*self.summaries.steps, *self.index.steps]


Phases = dict[str, Phase]


def rows(phases: Phases) -> list[Row]:
    """A row a phase. Quiet and under load are of the same edits; the control's are shown quietly too."""
    typed = (QUIET, LOADED, INDEXED)
    strokes = dict(zip(typed, paired(*(phases[name].strokes for name in typed)), strict=True))
    quiet, control = paired(phases[QUIET].strokes, phases[CONTROL].strokes)
    return [
        _typing(QUIET, strokes[QUIET]),
        {**_typing(LOADED, strokes[LOADED]), **_work(phases[LOADED])},
        {**_typing(INDEXED, strokes[INDEXED]), **_work(phases[INDEXED])},
        {**_typing(ALONE, []), **_work(phases[ALONE])},
        {**_typing(CONTROL, control), **_work(phases[CONTROL])},
        _typing("quiet, the control's edits", quiet),
    ]


def _typing(name: str, strokes: Sequence[Stroke]) -> dict[str, Cell]:
    first = _first_ms(strokes)
    return {
        "phase": name,
        "edits": len(strokes),
        "first token ms median": statistics.median(first) if first else None,
        "p95": percentile(first, 95),
        "in queue ms p95": percentile([each.queue_ms for each in strokes], 95),
    }


def _first_ms(strokes: Sequence[Stroke]) -> list[float]:
    return [each.first_ms for each in strokes if each.first_ms is not None]


def _work(phase: Phase) -> dict[str, Cell]:
    lengths = [step.seconds * 1e3 for step in phase.steps]
    return {
        "step ms median": statistics.median(lengths) if lengths else None,
        "step p95": percentile(lengths, 95),
        "longest step": max(lengths, default=None),
        "most tokens a step": max((step.tokens for step in phase.steps), default=None),
        "summary tokens/s": _speed(phase.summaries, phase.seconds),
        "index tokens/s": _speed(phase.index, phase.seconds),
    }


def _speed(meter: Meter, seconds: float) -> float | None:
    return sum(step.tokens for step in meter.steps) / seconds if seconds else None


def verdicts(phases: Phases) -> list[str]:
    """Whether the goal is met, under the load and under the index alone."""
    return [f"Goal, {name}: {_verdict(phases[QUIET], phases[name])}" for name in (LOADED, INDEXED)]


def _verdict(quiet: Phase, loaded: Phase) -> str:
    before, behind = (percentile(_first_ms(strokes), 95) for strokes in paired(quiet.strokes, loaded.strokes))
    lengths = [step.seconds * 1e3 for step in loaded.steps]
    if before is None or behind is None or not lengths:
        return "too little was measured to judge."
    allowed = {
        "median": _RISE * before + statistics.median(lengths),
        "longest": _RISE * before + max(lengths),
    }
    judged = (
        f"with the {step} step {most:.0f} ms may be: {'met' if behind <= most else 'missed'}"
        for step, most in allowed.items()
    )
    said = "; ".join(judged)
    return f"p95 quiet {before:.0f} ms, then {behind:.0f} ms. {_RISE:g} times and one step: {said}."
