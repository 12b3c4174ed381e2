"""Completions with what of the repository in front: none, BM25's fragments as the set gives them, or ours.

One answer a row and context, the same token budget for both. EM: the first line is the missing one, but for
blank space around it. ES: similarity by insertions and deletions, in per cent. Identifier EM: the same names
in the same order.
"""

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assistant.context import IndexedRepository
from benchmarks.retrieval_names import definitions
from benchmarks.table import Report, Row
from completion.config import CompletionConfig, EngineConfig
from completion.context.block import changed, render, size
from completion.context.pieces import Defined, Excerpt, Piece, Repository, Why
from completion.context.ranking import Question, candidates
from completion.records import CompletionRequest
from completion.service import CompletionService
from retrieval.config import RetrievalConfig
from retrieval.index import RepositoryIndex

CONTEXTS = ("none", "bm25", "splice")
MAX_TOKENS = 48
_LANGUAGES = ("python", "typescript")
_NAME = re.compile(r"[^\W\d]\w*")


class Case(NamedTuple):
    """A row: a cursor, the missing line, and BM25's fragments of other files."""

    name: str
    repository: str
    language: str
    path: str
    prompt: str
    suffix: str
    line: str
    fragments: tuple[Excerpt, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one row with one context."""

    context: str
    name: str
    answer: str
    line: str
    exact: bool
    similarity: float
    names: bool
    block_tokens: int
    find_ms: float
    block: str


class Fragments:
    """The fragments of one row as a repository, where a set has no other files."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def definitions(self, path: str, names: Sequence[str]) -> list[Defined]:
        found = [
            (name, each)
            for each in self._case.fragments
            for name, _ in definitions(each.text, self._case.language)
            if name in names and each.path != path
        ]
        return [Defined(name, each, imported=False, named=False, files=1) for name, each in found]

    def search(self, path: str, query: str, k: int) -> list[Excerpt]:
        del query
        return [each for each in self._case.fragments if each.path != path][:k]

    def around(self, path: str, line: int) -> Excerpt | None:
        del path, line
        return None


def load(data: Path, name: str, rows: int) -> list[Case]:
    """``rows`` of a set, its languages in turns, spread over the files of the set."""
    files = {
        "crossfile-home": [f"{language}_line_completion_bm25.jsonl" for language in _LANGUAGES],
        "crosscodeeval": ["python_line_completion_rg1_bm25.partial100.jsonl"],
    }[name]
    each_of: list[list[Case]] = []
    for file in files:
        lines = (data / name / file).read_text("utf-8").splitlines()
        step = max(1, len(lines) * len(files) // rows)
        each_of.append([_case(json.loads(line), file) for line in lines[::step]][: rows // len(files)])
    return [case for cases in zip(*each_of, strict=True) for case in cases]


def _case(row: dict[str, Any], file: str) -> Case:
    told = row["metadata"]
    return Case(
        name=told["task_id"],
        repository=told["repository"],
        language=file.partition("_")[0],
        path=told["file"],
        prompt=row["prompt"],
        suffix=row["right_context"],
        line=row["groundtruth"],
        fragments=tuple(
            Excerpt(each["filename"], number, number + 1, each["retrieved_chunk"])
            for number, each in enumerate(row["crossfile_context"]["list"])
        ),
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--context", help="none, bm25, splice, or several with commas; --data: the sets' folder"
    )
    parser.add_argument("--set", choices=["crossfile-home", "crosscodeeval"], default="crossfile-home")
    parser.add_argument("--skip", type=int, default=0, help="of these rows the first, answered before")
    parser.add_argument("--prefix-chars", type=int, default=CompletionConfig().prefix_chars)
    parser.add_argument("--suffix-chars", type=int, default=CompletionConfig().suffix_chars)
    parser.add_argument("--budget", type=int, default=RetrievalConfig().context_tokens, help="tokens")


def run(options: argparse.Namespace) -> int:
    contexts = [context for context in CONTEXTS if context in options.context.split(",")]
    cases = load(options.data, options.set, options.rows)[options.skip :]
    with _blocks(options, cases) as blocks:
        outcomes = asyncio.run(_measure(options, cases, contexts, blocks))
    notes = [
        f"{options.set}: {len(cases)} rows spread over the set; greedy; context of {options.budget} tokens.",
        f"The prompt shows {options.prefix_chars} characters in front and {options.suffix_chars} behind.",
        "Blocks of ours are of an index with words and symbols, no vectors; every row is a new document.",
    ]
    rows = [summary(context, [each for each in outcomes if each.context == context]) for context in contexts]
    Report("fim", rows, notes).write(options.json)
    return 0


class _Blocks:
    """Makes the block of a row."""

    def __init__(self, options: argparse.Namespace, indexes: dict[str, RepositoryIndex]) -> None:
        self._budget = options.budget
        self._windows = options.prefix_chars, options.suffix_chars
        self._indexes = indexes

    def block(self, context: str, case: Case) -> tuple[Piece, ...]:
        found: Sequence[Piece] = ()
        if context == "bm25":
            found = [Piece(each, Why.SIMILAR, 1.0) for each in case.fragments]
        if context == "splice":
            text = case.prompt + case.suffix
            question = Question(case.path, text, len(case.prompt))
            found = candidates(self._repository(case, text), question, ())
        window = case.prompt[-self._windows[0] :] + case.suffix[: self._windows[1]]
        return changed((), found, self._budget, language=case.language, window=window)

    def _repository(self, case: Case, text: str) -> Repository:
        index = self._indexes.get(case.repository)
        if index is None:
            return Fragments(case)
        index.overlay(case.path, text)
        return IndexedRepository(index)

    def done(self, case: Case) -> None:
        if case.repository in self._indexes:
            self._indexes[case.repository].forget_overlay(case.path)


@contextmanager
def _blocks(options: argparse.Namespace, cases: Sequence[Case]) -> Iterator[_Blocks]:
    """With an index of every repository of ``cases`` that the set holds, in a folder that goes again."""
    indexes: dict[str, RepositoryIndex] = {}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        config = RetrievalConfig(index_dir=Path(folder) / "index")
        wanted = {case.repository for case in cases} if "splice" in options.context else set[str]()
        if options.set == "crossfile-home":
            for name in _written(options.data / options.set, wanted, Path(folder) / "files"):
                index = RepositoryIndex(Path(folder) / "files" / name, config)
                stack.callback(index.close)
                index.refresh()
                indexes[name] = index
        yield _Blocks(options, indexes)


def _written(data: Path, wanted: set[str], folder: Path) -> set[str]:
    """The names of the repositories whose files were written below ``folder``."""
    written: set[str] = set()
    for language in _LANGUAGES:
        for line in (data / f"{language}_repos.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["repository"] in wanted:
                file = folder / row["repository"] / row["file"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(row["content"], "utf-8")
                written.add(row["repository"])
    return written


async def _measure(
    options: argparse.Namespace, cases: Sequence[Case], contexts: Sequence[str], blocks: _Blocks
) -> list[Outcome]:
    engine = EngineConfig(model=options.model, weights=options.weights, threads=options.threads)
    config = CompletionConfig(
        max_tokens=MAX_TOKENS,
        time_budget_s=60.0,
        prefix_chars=options.prefix_chars,
        suffix_chars=options.suffix_chars,
    )
    service = CompletionService(engine, config)
    await service.start()
    outcomes: list[Outcome] = []
    try:
        await service.ready()
        for number, case in enumerate(cases, 1):
            answered = [await _answer(service, case, context, blocks) for context in contexts]
            outcomes += answered
            _keep(options.answers, answered)
            _tell(number, len(cases), outcomes, contexts)
    finally:
        await service.stop()
    return outcomes


async def _answer(service: CompletionService, case: Case, context: str, blocks: _Blocks) -> Outcome:
    begun = time.perf_counter()
    block = blocks.block(context, case)
    find_ms = (time.perf_counter() - begun) * 1e3
    blocks.done(case)
    text = render(block, case.language)
    request = CompletionRequest(
        case.prompt + case.suffix, len(case.prompt), language=case.language, single_line=True, context=text
    )
    completion = await service.complete(request)
    answer, line = (each.strip().partition("\n")[0].strip() for each in (completion.text, case.line))
    return Outcome(
        context,
        case.name,
        answer,
        line,
        exact=answer == line,
        similarity=similarity(answer, line),
        names=_NAME.findall(answer) == _NAME.findall(line),
        block_tokens=size(block, case.language),
        find_ms=find_ms,
        block=text,
    )


def similarity(a: str, b: str) -> float:
    """Twice the longest common subsequence over both lengths, in per cent; 100 for two empty texts."""
    if not a and not b:
        return 100.0
    row = [0] * (len(b) + 1)
    for char in a:
        last = 0
        for index, other in enumerate(b, 1):
            last, row[index] = row[index], last + 1 if char == other else max(row[index], row[index - 1])
    return 200.0 * row[-1] / (len(a) + len(b))


def _keep(file: Path | None, outcomes: Sequence[Outcome]) -> None:
    """Behind what the file has: a run that is broken off leaves what it measured."""
    if file is not None:
        with file.open("a", encoding="utf-8") as answers:
            answers.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in outcomes)


def _tell(number: int, count: int, outcomes: Sequence[Outcome], contexts: Sequence[str]) -> None:
    exact = [f"{name} {sum(each.exact for each in outcomes if each.context == name)}" for name in contexts]
    print(f"{number}/{count}: {', '.join(exact)} exact", file=sys.stderr, flush=True)


def summary(context: str, outcomes: Sequence[Outcome]) -> Row:
    """One row of the table."""
    count = len(outcomes)
    return {
        "context": context,
        "rows": count,
        "EM %": 100 * sum(each.exact for each in outcomes) / count,
        "ES %": statistics.mean(each.similarity for each in outcomes),
        "identifier EM %": 100 * sum(each.names for each in outcomes) / count,
        "block tokens": statistics.mean(each.block_tokens for each in outcomes),
        "find ms median": statistics.median(each.find_ms for each in outcomes),
    }
