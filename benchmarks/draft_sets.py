"""What drafters are asked: five sets of places to complete, and one with a prediction.

* ``infill``: HumanEval-infilling, several lines missing.
* ``span``: HumanEval-infilling, a random span, light.
* ``edits``: every hunk of real commits, asked in the final text without its lines.
* ``again``: the same place asked before a commit's other edits and behind them, with the first
  answer as the prediction.
* ``typing``: places of a recorded session, one document.
* ``left-to-right``: HumanEval, as the papers do it.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from benchmarks.traces import applied, read_trace
from completion.records import CompletionRequest

_TYPING_FIRST, _TYPING_EVERY = 1_000, 37
_LONGEST = 60_000
"""Characters of a file that is asked about."""


class Question(NamedTuple):
    """A place to complete; ``earlier``: the same place some edits before. Its answer is the prediction."""

    request: CompletionRequest
    earlier: CompletionRequest | None = None


Reader = Callable[[Path, random.Random], Iterator[Question]]


def questions(name: str, data: Path, *, rows: int, seed: int) -> list[Question]:
    """The first ``rows`` questions of the shuffled set ``name`` below the folder ``data``."""
    found = SETS[name](data, random.Random(seed))
    return [question for question, _ in zip(found, range(rows), strict=False)]


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _shuffled(path: Path, dice: random.Random) -> list[dict[str, Any]]:
    records = _records(path)
    dice.shuffle(records)
    return records


def _python(before: str, after: str, name: str) -> Question:
    return Question(CompletionRequest(before + after, len(before), name, "python"))


def _infill(data: Path, dice: random.Random) -> Iterator[Question]:
    for row in _shuffled(data / "humaneval-infilling/HumanEval-MultiLineInfilling.jsonl", dice):
        yield _python(row["prompt"], row["suffix"], row["task_id"])


def _span(data: Path, dice: random.Random) -> Iterator[Question]:
    for row in _shuffled(data / "humaneval-infilling/HumanEval-RandomSpanInfillingLight.jsonl", dice):
        yield _python(row["prompt"], row["suffix"], row["task_id"])


def _left_to_right(data: Path, dice: random.Random) -> Iterator[Question]:
    for row in _shuffled(data / "humaneval/HumanEval.jsonl", dice):
        yield _python(row["prompt"], "", row["task_id"])


def _edits(data: Path, dice: random.Random) -> Iterator[Question]:
    for row in _shuffled(data / "edit-traces/dev.jsonl", dice):
        lines = row["after"].split("\n")
        for _, _, start, stop in row["hunks"]:
            if stop >= start and len(row["after"]) <= _LONGEST:
                yield Question(_asked(row, lines[: start - 1], lines[stop:]))


def _again(data: Path, dice: random.Random) -> Iterator[Question]:
    """The place of the last hunk; the others are what was edited in between."""
    for row in _shuffled(data / "edit-traces/dev.jsonl", dice):
        before, start, before_stop, (_, _, first, last) = _last_hunk(row)
        lines = row["after"].split("\n")
        if len(row["hunks"]) > 1 and last >= first and len(row["after"]) <= _LONGEST:
            earlier = _asked(row, before[: start - 1], before[before_stop:])
            yield Question(_asked(row, lines[: first - 1], lines[last:]), earlier)


def _last_hunk(row: Mapping[str, Any]) -> tuple[list[str], int, int, list[int]]:
    hunk = row["hunks"][-1]
    return row["before"].split("\n"), hunk[0], hunk[1], hunk


def _asked(row: Mapping[str, Any], above: list[str], below: list[str]) -> CompletionRequest:
    head = "".join(f"{line}\n" for line in above)
    text = head + "\n" + "\n".join(below)
    return CompletionRequest(text, len(head), f"{row['commit']} {row['path']}", row["language"])


def _typing(data: Path, _: random.Random) -> Iterator[Question]:
    trace = read_trace(data / "keystroke-traces/rustcode.json")
    text = trace.text_before(_TYPING_FIRST)
    for index, patches in enumerate(trace.transactions[_TYPING_FIRST:]):
        text = applied(text, patches)
        if index % _TYPING_EVERY == 0:
            yield Question(CompletionRequest(text, patches[-1].cursor, "session.rs", "rust"))


SETS: Mapping[str, Reader] = MappingProxyType(
    {
        "infill": _infill,
        "span": _span,
        "edits": _edits,
        "again": _again,
        "typing": _typing,
        "left-to-right": _left_to_right,
    }
)
