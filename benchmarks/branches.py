"""Trees beside chains: what further branches of the suffix drafter bring, and what their rows cost.

The target is simulated: it says the real text, hunks of real commits and the missing lines of HumanEval. A
pass takes what a pass of so many rows takes the real model here, the fastest of several. Each step sends the
part of the draft that promises most tokens a second, by what the drafter says of its tokens, or nothing.
A tree is let off lightly: keeping its path costs nothing here.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.table import Report, Row
from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from completion.records import CompletionRequest
from completion.registry import obtain
from completion.threads import use_threads
from completion.window import lay_out
from drafts.draft import Draft, Source
from drafts.suffix import SuffixDrafter, SuffixSettings
from drafts.suffix_guess import Limits
from drafts.trees import cumulative, prune
from drafts.verify import judge_greedy
from kvcache.spans import TaggedTokens
from kvcache.store import KVStore, rounded_capacity

_CONTEXT = 1_000
_ROUNDS = 40
_LONGEST = 60_000


class Case(NamedTuple):
    """A prompt, and what the target says behind it."""

    document: str
    prompt: TaggedTokens
    truth: tuple[int, ...]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    parser.add_argument("--rows", type=int, default=150, help="prompts of each set")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--window", type=int, default=12, help="tokens drafted for a pass at most")
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


@dataclass
class Count:
    """What a drafter did."""

    tokens: int = 0
    passes: int = 0
    drafted: int = 0
    seconds: float = 0.0


def run(options: argparse.Namespace) -> int:
    use_threads(options.threads)
    location = obtain(None, models_dir=None, has_gpu=False, progress=lambda _: None)
    model = load_model(location.name, location.directory, EngineConfig())
    costs = pass_seconds(model, options.window + 1)
    rows: list[Row] = []
    for name, reader in (("edits", _edits), ("infill", _infills)):
        found = reader(options.data, random.Random(options.seed))
        cases = [case for case, _ in zip(_cases(model, found), range(options.rows), strict=False)]
        none = sum(len(case.truth) - 1 for case in cases) * costs[0]
        for branches in (1, 2, 3):
            for whole in (True, False):
                count = simulate(cases, costs, branches=branches, whole=whole)
                rows.append(
                    {
                        "set": name,
                        "branches": branches,
                        "sent": "all" if whole else "what pays",
                        "tokens a pass": round(count.tokens / count.passes, 3),
                        "drafted a pass": round(count.drafted / count.passes, 2),
                        "speed-up": round(none / count.seconds, 3),
                    }
                )
                print(rows[-1], file=sys.stderr, flush=True)
    told = ", ".join(f"{seconds * 1e3:.1f}" for seconds in costs)
    Report("branches", rows, [f"A pass of 1 to {len(costs)} rows at {_CONTEXT} tokens, ms: {told}."]).write(
        options.json
    )
    return 0


def pass_seconds(model: LoadedModel, rows: int) -> list[float]:
    """Seconds of a pass of 1 to ``rows`` rows: the fastest of some rounds, never less than of fewer rows."""
    dice = random.Random(1)
    ids = [dice.randrange(1_000, 20_000) for _ in range(_CONTEXT)]
    capacity = rounded_capacity(_CONTEXT + rows)
    store = KVStore(model.shape, capacity, dtype=model.dtype, device=model.device)
    model.forward.encode(store, ids)
    best = [float("inf")] * rows
    for _ in range(_ROUNDS):
        for count in range(1, rows + 1):
            started = time.perf_counter()
            int(model.forward.every_logits(store, ids[:count])[-1].argmax())
            best[count - 1] = min(best[count - 1], time.perf_counter() - started)
            store.truncate(_CONTEXT)
    return [max(best[: at + 1]) for at in range(rows)]


def simulate(cases: Sequence[Case], costs: Sequence[float], *, branches: int, whole: bool) -> Count:
    """All ``cases`` in turn by one drafter, which keeps what it has learnt; ``whole``: send all it says."""
    count = Count()
    drafter = SuffixDrafter(SuffixSettings(limits=Limits(branches=branches)))
    for case in cases:
        for _ in drafter.begin(Source(case.prompt, document=case.document)):
            pass
        output = list(case.truth[:1])
        while len(output) < len(case.truth):
            most = min(len(costs) - 1, len(case.truth) - len(output) - 1)
            draft = drafter.propose(output, most)
            sent = draft if whole else paying(draft, costs)
            rest = case.truth[len(output) :]
            verdict = judge_greedy(sent, lambda _, path, rest=rest: rest[len(path)])
            drafter.observe(verdict)
            output.extend(verdict.output)
            count.tokens += len(verdict.output)
            count.passes += 1
            count.drafted += len(sent)
            count.seconds += costs[len(sent)]
        drafter.end()
    return count


def paying(draft: Draft, costs: Sequence[float]) -> Draft:
    """The part of a draft from which most tokens a second are expected; nothing where that is most."""
    chances = sorted(cumulative(draft), reverse=True)
    expected, best, size = 1.0, 1.0 / costs[0], 0
    for count, chance in enumerate(chances, 1):
        expected += chance
        if expected / costs[count] > best:
            best, size = expected / costs[count], count
    return prune(draft, size)


def _cases(model: LoadedModel, found: Iterator[tuple[CompletionRequest, str]]) -> Iterator[Case]:
    """What can be said in two tokens or more."""
    config = CompletionConfig()
    engine = Engine(model, EngineConfig(), config)
    for request, truth in found:
        prompt = engine.prompt(request, lay_out(request.text, request.cursor, None, config))
        ids = tuple(model.codec.encode(prompt.piece.decode() + truth))
        if len(ids) > 1:
            yield Case(request.document or "", prompt.tokens, ids)


def _records(path: Path, dice: random.Random) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    dice.shuffle(records)
    return records


def _infills(data: Path, dice: random.Random) -> Iterator[tuple[CompletionRequest, str]]:
    for row in _records(data / "humaneval-infilling/HumanEval-MultiLineInfilling.jsonl", dice):
        request = CompletionRequest(row["prompt"] + row["suffix"], len(row["prompt"]), row["task_id"])
        yield request, row["canonical_solution"]


def _edits(data: Path, dice: random.Random) -> Iterator[tuple[CompletionRequest, str]]:
    for row in _records(data / "edit-traces/dev.jsonl", dice):
        lines = row["after"].split("\n")
        for _, _, start, stop in row["hunks"]:
            if stop >= start and len(row["after"]) <= _LONGEST:
                head = "".join(f"{line}\n" for line in lines[: start - 1])
                text = head + "\n" + "\n".join(lines[stop:])
                yield CompletionRequest(text, len(head), row["path"]), "\n".join(lines[start - 1 : stop])
