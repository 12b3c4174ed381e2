"""From findings to the table, the list of differing completions and the verdicts. Pure.

The loss of an engine is what the reference, float32 weights in plain transformers, passes more
often than it, in points of pass@1 over the same prompts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.fim import wilson
from benchmarks.infills import END, Answer
from benchmarks.kept import Judged, Kept
from benchmarks.table import Row

REFERENCE = "transformers float32"
LLAMA = "llama.cpp"
MOST_LOST = 1.0
"""Points of pass@1 that the default may lose."""
LEAST_EQUAL = 95.0
"""Per cent of greedy completions that must be equal with 8-bit weights."""


@dataclass(frozen=True)
class Verdict:
    """Whether a goal is met, in a sentence."""

    met: bool
    sentence: str

    def __str__(self) -> str:
        """The sentence and what it comes to."""
        return f"{self.sentence}: {'met' if self.met else 'MISSED'}."


@dataclass(frozen=True)
class Difference:
    """A completion that is not the reference's. Fields as they are written for a person."""

    engine: str
    prompt: str
    missing_line: str
    reference: str
    answer: str
    at_token: int
    """The first differing token, from 0."""
    reference_token: str
    answer_token: str
    margin: float | None
    """The reference's logit of its own token less that of the other; None: the other's is not noted."""
    margin_at_least: float
    """The margin; where that is None, the one to the lowest logit noted."""


def row(engine: str, found: Kept, reference: Kept) -> Row:
    """One row of the table."""
    judged = list(found.judged.values())
    count = len(judged)
    passed = sum(each.passed for each in judged)
    return {
        "engine": engine,
        "perplexity": _fixed(perplexity(found), 3),
        "more than float32, %": _fixed(_more(found, reference), 2),
        "pass@1 %": 100 * passed / count,
        "pass@1 95 %": "{:.1f}–{:.1f}".format(*wilson(passed, count)),
        "lost, points": loss(found, reference),
        "EM %": 100 * sum(each.exact for each in judged) / count,
        "greedy equal %": 100 * equal(found, reference) / count,
    }


def perplexity(found: Kept) -> float | None:
    """Of a token, over all windows; None where no likelihoods are told."""
    known = [(each.nats, each.count) for each in found.read.values() if each.nats is not None]
    return math.exp(sum(nats for nats, _ in known) / sum(count for _, count in known)) if known else None


def loss(found: Kept, reference: Kept) -> float:
    """Points of pass@1 that the reference is ahead; below 0 it is behind."""
    lost, gained = _moved(found, reference)
    return 100 * (lost - gained) / len(reference.judged)


def equal(found: Kept, reference: Kept) -> int:
    """How many answers equal the reference's, token for token."""
    return sum(each.answer.ids == reference.judged[name].answer.ids for name, each in found.judged.items())


def differences(
    engine: str, found: Kept, reference: Kept, *, lines: Mapping[str, str], spell: Callable[[int], str]
) -> list[Difference]:
    """All answers that differ, nearest ties first. ``lines`` are the missing lines by prompt."""
    pairs = [(each, reference.judged[name]) for name, each in found.judged.items()]
    apart = [
        _difference(engine, ours, theirs.answer, lines[ours.name], spell)
        for ours, theirs in pairs
        if ours.answer.ids != theirs.answer.ids
    ]
    return sorted(apart, key=lambda each: each.margin_at_least)


def verdicts(found: Mapping[str, Kept], default: str) -> list[Verdict]:
    """One for each goal that was measured; ``default`` is the product's default kind of weights."""
    reference = found[REFERENCE]
    told = [_same_as_8_bit(name, each, reference) for name, each in found.items() if name.startswith("int8")]
    if default in found:
        told.insert(0, _loses_little(default, found[default], reference))
    if default in found and LLAMA in found:
        told.append(_loses_no_more(default, found[default], found[LLAMA], reference))
    return told


def _loses_little(name: str, found: Kept, reference: Kept) -> Verdict:
    points = loss(found, reference)
    lost, gained = _moved(found, reference)
    return Verdict(
        points <= MOST_LOST,
        f"{name}, the default, loses {points:.1f} points of pass@1 against float32 ({lost} of "
        f"{len(reference.judged)} prompts lost, {gained} gained; goal: at most {MOST_LOST:.0f} point)",
    )


def _same_as_8_bit(name: str, found: Kept, reference: Kept) -> Verdict:
    same, count = equal(found, reference), len(reference.judged)
    return Verdict(
        100 * same / count >= LEAST_EQUAL,
        f"{same} of {count} greedy completions of {name} equal float32's ({100 * same / count:.1f} %; "
        f"goal: at least {LEAST_EQUAL:.0f} %)",
    )


def _loses_no_more(name: str, found: Kept, llama: Kept, reference: Kept) -> Verdict:
    ours, theirs = loss(found, reference), loss(llama, reference)
    return Verdict(
        ours <= max(theirs, 0.0),
        f"{name}, the default, loses {ours:.1f} points, the same GGUF in llama.cpp {theirs:.1f} "
        "(goal: no more than that, or nothing)",
    )


def _moved(found: Kept, reference: Kept) -> tuple[int, int]:
    """Prompts that the reference alone passes, and that the other alone passes."""
    pairs = [(reference.judged[name].passed, each.passed) for name, each in found.judged.items()]
    return pairs.count((True, False)), pairs.count((False, True))


def _more(found: Kept, reference: Kept) -> float | None:
    ours, theirs = perplexity(found), perplexity(reference)
    return None if ours is None or theirs is None else 100 * (ours / theirs - 1)


def _fixed(number: float | None, places: int) -> str | None:
    return None if number is None else f"{round(number, places) + 0.0:.{places}f}"


def _difference(
    engine: str, ours: Judged, theirs: Answer, line: str, spell: Callable[[int], str]
) -> Difference:
    at = _first_difference(ours.answer.ids, theirs.ids)
    own, other = theirs.ids[at], ours.answer.ids[at]
    noted = dict(theirs.choices[at])
    lowest = noted.get(other, min(noted.values()))
    return Difference(
        engine=engine,
        prompt=ours.name,
        missing_line=line,
        reference=theirs.line,
        answer=ours.answer.line,
        at_token=at,
        reference_token=_spelled(own, spell),
        answer_token=_spelled(other, spell),
        margin=noted[own] - noted[other] if other in noted else None,
        margin_at_least=noted[own] - lowest,
    )


def _first_difference(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """Neither is a start of the other: the same tokens end an answer at the same place."""
    return next(at for at, (own, other) in enumerate(zip(ours, theirs, strict=False)) if own != other)


def _spelled(token: int, spell: Callable[[int], str]) -> str:
    return "<end>" if token == END else spell(token)
