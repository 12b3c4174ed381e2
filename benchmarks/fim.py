"""Fill in the middle, judged by unit tests: HumanEval-Infilling, one line missing.

The service runs in this process, once per layout. Of each answer the first line counts. pass@1:
the program with it passes its tests in the sandbox; EM: it is the missing line, but for blank
space around it; "EM indented": but for blank space at its end. Intervals are Wilson's, 95 %.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks import fim_context
from benchmarks.sandbox import Sandbox
from benchmarks.table import Report, Row
from completion.config import CompletionConfig, EngineConfig
from completion.records import CompletionRequest
from completion.service import CompletionService

Layout = Literal["plain", "append"]
LAYOUTS: tuple[Layout, ...] = ("plain", "append")
MAX_TOKENS = 64


class Case(NamedTuple):
    """A row of the data set."""

    name: str
    prompt: str
    suffix: str
    line: str
    checks: str


@dataclass(frozen=True)
class Outcome:
    """What became of one row in one layout."""

    layout: str
    name: str
    answer: str
    line: str
    passed: bool
    reason: str
    exact: bool
    indented: bool
    """Exact, and with the indentation of the missing line."""
    finish: str
    encoded: int
    generated: int
    total_ms: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="HumanEval-SingleLineInfilling.jsonl")
    fim_context.add_options(parser)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--seed", type=int, default=7, help="of the shuffle in front of the choice")
    parser.add_argument("--layout", choices=[*LAYOUTS, "both"], default="both")
    parser.add_argument("--tail-lines", type=int, default=CompletionConfig().tail_lines)
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--weights", choices=["auto", "int8", "int4", "float32", "bfloat16"], default="auto")
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--json", type=Path, help="write the table's figures here")
    parser.add_argument("--answers", type=Path, help="write every answer here, one JSON object a line")


def run(options: argparse.Namespace) -> int:
    if options.context:
        return fim_context.run(options)
    cases = load(options.data, rows=options.rows, seed=options.seed)
    layouts: list[Layout] = [layout for layout in LAYOUTS if options.layout in {layout, "both"}]
    sandbox = Sandbox()
    outcomes = asyncio.run(_measure(cases, layouts, sandbox, options))
    if options.answers:
        lines = (json.dumps(asdict(outcome), ensure_ascii=False) + "\n" for outcome in outcomes)
        options.answers.write_text("".join(lines), "utf-8")
    notes = [
        f"{options.data.name}: {len(cases)} rows, shuffled with seed {options.seed}; greedy.",
        f"Tests run in a sandbox: {sandbox.isolation}.",
        "Times are of the service, without the unit tests; every row is a new document (nothing cached).",
    ]
    rows = [summary(layout, [each for each in outcomes if each.layout == layout]) for layout in layouts]
    Report("fim", rows, notes).write(options.json)
    return 0


def load(path: Path, *, rows: int, seed: int) -> list[Case]:
    """The first ``rows`` of the shuffled data set."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    random.Random(seed).shuffle(found)
    return [_case(each) for each in found[:rows]]


def _case(row: dict[str, Any]) -> Case:
    checks = f"{row['test']}\ncheck({row['entry_point']})\n"
    return Case(row["task_id"], row["prompt"], row["suffix"], row["canonical_solution"], checks)


async def _measure(
    cases: Sequence[Case], layouts: Sequence[Layout], sandbox: Sandbox, options: argparse.Namespace
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for layout in layouts:
        engine = EngineConfig(model=options.model, weights=options.weights, threads=options.threads)
        config = CompletionConfig(layout=layout, max_tokens=MAX_TOKENS, tail_lines=options.tail_lines)
        async with _running(engine, config) as service:
            for number, case in enumerate(cases, 1):
                outcomes.append(await _judge(service, case, layout, sandbox))
                _tell(layout, number, len(cases), outcomes)
    return outcomes


@asynccontextmanager
async def _running(engine: EngineConfig, config: CompletionConfig) -> AsyncGenerator[CompletionService]:
    service = CompletionService(engine, config)
    await service.start()
    try:
        await service.ready()
        yield service
    finally:
        await service.stop()


async def _judge(service: CompletionService, case: Case, layout: str, sandbox: Sandbox) -> Outcome:
    request = CompletionRequest(
        text=case.prompt + case.suffix,
        cursor=len(case.prompt),
        language="python",
        single_line=True,
        max_tokens=MAX_TOKENS,
    )
    started = time.perf_counter()
    completion = await service.complete(request)
    total_ms = (time.perf_counter() - started) * 1e3
    answer = completion.text.partition("\n")[0]
    verdict = await asyncio.to_thread(sandbox.run, program(case, answer))
    return Outcome(
        layout=layout,
        name=case.name,
        answer=answer,
        line=case.line,
        passed=verdict.passed,
        reason=verdict.reason,
        exact=is_exact(case, answer),
        indented=answer.rstrip() == case.line.rstrip(),
        finish=str(completion.trace.finish),
        encoded=completion.trace.reuse.computed,
        generated=completion.trace.generated,
        total_ms=total_ms,
    )


def program(case: Case, answer: str) -> str:
    """What the sandbox is to run: the row with ``answer``, one line, in its place, and the tests."""
    return f"{case.prompt}{answer}\n{case.suffix}{case.checks}"


def is_exact(case: Case, answer: str) -> bool:
    """Whether ``answer`` is the missing line, but for blank space around it."""
    return answer.strip() == case.line.strip()


def _tell(layout: str, number: int, count: int, outcomes: Sequence[Outcome]) -> None:
    own = [each for each in outcomes if each.layout == layout]
    passed, exact = sum(each.passed for each in own), sum(each.exact for each in own)
    print(f"{layout}: {number}/{count}, {passed} passed, {exact} exact", file=sys.stderr, flush=True)


def summary(layout: str, outcomes: Sequence[Outcome]) -> Row:
    """One row of the table."""
    count = len(outcomes)
    passed, exact = sum(each.passed for each in outcomes), sum(each.exact for each in outcomes)
    times = [each.total_ms for each in outcomes]
    return {
        "layout": layout,
        "rows": count,
        "pass@1 %": 100 * passed / count,
        "pass@1 95 %": "{:.1f}–{:.1f}".format(*wilson(passed, count)),
        "EM %": 100 * exact / count,
        "EM 95 %": "{:.1f}–{:.1f}".format(*wilson(exact, count)),
        "EM indented %": 100 * sum(each.indented for each in outcomes) / count,
        "tokens encoded": statistics.median(each.encoded for each in outcomes),
        "tokens generated": statistics.mean(each.generated for each in outcomes),
        "ms median": statistics.median(times),
        "ms mean": statistics.mean(times),
    }


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share, in per cent (Wilson 1927)."""
    share = hits / count
    centre = share + z * z / (2 * count)
    spread = z * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    scale = 100 / (1 + z * z / count)
    return (centre - spread) * scale, (centre + spread) * scale
