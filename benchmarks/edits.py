"""Quality behind an edit: full recomputation against every way of reusing what was cached.

A cache is computed for a document, the document is edited, a line is completed. Every method
answers the same prompt tokens as full recomputation in its own layout: the published ones in
the plain prefix-suffix-middle layout, ours with the last lines behind the middle token.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from benchmarks.agreement import Agreement, Answer, Judge, agreement, similarity
from benchmarks.edit_cases import TASKS, EditCase, load_cases
from benchmarks.table import Report, Row
from completion.config import CompletionConfig, EngineConfig
from completion.loading import LoadedModel, load_model
from completion.prompt import Prompt, PromptBuilder, cut
from completion.registry import obtain
from completion.threads import use_threads
from completion.uses import use_sites
from completion.window import lay_out
from kvcache.plan import plan_exact, plan_reuse
from kvcache.repair import SEAM, Budget, repaired
from kvcache.spans import Role, Span, TaggedTokens
from kvcache.store import KVStore

_ROOM = 8_192
FULL, FULL_PLAIN = "full", "full, plain layout"
CONFLICT, PIE, PIE_SEAM = "conflict (no rotation)", "PIE", "PIE + 8 seam tokens"
REFRESHED = "ours, refreshed"
BUDGETS = (8, 32, 128)


@dataclass(frozen=True)
class Outcome:
    """One method on one case."""

    task: str
    name: str
    method: str
    prompt: int
    encoded: int
    ms: float
    first: bool
    line: bool
    divergence: float
    exact_match: bool
    similarity: float
    full_right: bool
    """Full recomputation, in this method's layout, gives the true line."""
    text: str
    truth: str


class Unturned:
    """In place of a rotary: leaves every key at the position it was computed at."""

    def turn(
        self,
        keys: torch.Tensor,
        *,
        computed_at: torch.Tensor,  # noqa: ARG002 # the signature of Rotary
        wanted_at: torch.Tensor,  # noqa: ARG002 # the signature of Rotary
    ) -> torch.Tensor:
        return keys


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="real edits (edit-traces/dev.jsonl)")
    parser.add_argument("--cases", type=int, default=12, help="of each task")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=TASKS)
    parser.add_argument("--prefix-chars", type=int, default=CompletionConfig().prefix_chars)
    parser.add_argument("--suffix-chars", type=int, default=CompletionConfig().suffix_chars)
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--weights", choices=["auto", "int8", "int4", "float32", "bfloat16"], default="auto")
    parser.add_argument("--json", type=Path, help="write the table's figures here")
    parser.add_argument("--answers", type=Path, help="write every answer here, one JSON object a line")


def run(options: argparse.Namespace) -> int:
    loaded = open_model(options.model, options.weights)
    config = CompletionConfig(prefix_chars=options.prefix_chars, suffix_chars=options.suffix_chars)
    cases = [
        case
        for case in load_cases(options.data, per_task=options.cases, seed=options.seed)
        if case.task in options.tasks
    ]
    bench = Bench(loaded, config)
    outcomes: list[Outcome] = []
    for number, case in enumerate(cases, 1):
        outcomes += bench.outcomes(case)
        print(f"{number}/{len(cases)} {case.task} {case.name}", file=sys.stderr, flush=True)
        if options.answers:
            lines = (json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in outcomes)
            options.answers.write_text("".join(lines), "utf-8")
    notes = [
        f"{options.data.name}, seed {options.seed}; {loaded.name}, {loaded.weights} weights; greedy.",
        "KL: nats a token over the first 16 tokens of full recomputation's own continuation, forced.",
        "EM, ES: against the true line; 'of right': share of the lines full recomputation gets right.",
        "Encoded: tokens on the request's path; for 'refreshed' those encoded again behind it.",
    ]
    Report("edits", rows(outcomes), notes).write(options.json)
    return 0


def open_model(name: str | None, weights: str) -> LoadedModel:
    """The model, with the threads the product would use."""
    use_threads(None)
    location = obtain(name, models_dir=None, has_gpu=torch.cuda.is_available(), progress=lambda _: None)
    engine = replace(EngineConfig(), weights=weights)  # pyright: ignore[reportArgumentType] # checked by argparse
    return load_model(location.name, location.directory, engine)


class Bench:
    """All methods on one case."""

    def __init__(self, loaded: LoadedModel, config: CompletionConfig) -> None:
        self._loaded = loaded
        self._config = config
        self._judge = Judge(loaded)
        self._prompts = PromptBuilder(loaded.codec, loaded.family, _ROOM)

    def outcomes(self, case: EditCase) -> list[Outcome]:
        """One outcome a method, full recomputation first."""
        return [
            self._outcome(case, method, answer, reference)
            for answers in (self._ours(case), self._published(case))
            for method, answer, reference in answers
        ]

    def _ours(self, case: EditCase) -> Iterator[tuple[str, Answer, Answer]]:
        before = lay_out(case.before, case.before_cursor, None, self._config)
        after = lay_out(case.after, case.after_cursor, before, self._config)
        old = self._prompts.build(cut(case.before, case.before_cursor, before, case.before_context))
        new = self._prompts.build(cut(case.after, case.after_cursor, after, case.after_context))
        base = self._judge.cold(old.tokens)
        full = self._full(base, new)
        yield FULL, full, full
        plan = plan_reuse(old.tokens, new.tokens)
        uses = use_sites(plan, self._loaded.codec.bytes_of)
        for budget in BUDGETS:
            store = base.copy()
            yield (
                ours(budget),
                self._judge.answer(store, repaired(plan, Budget(budget), uses), new, full),
                full,
            )
        encoded = self._judge.refresh(store)
        again = self._judge.answer(store, plan_exact(store.tokens, new.tokens, exact=store.exact), new, full)
        yield REFRESHED, replace(again, encoded=encoded), full

    def _published(self, case: EditCase) -> Iterator[tuple[str, Answer, Answer]]:
        """Positions and text decide alone what is kept; a token's role is not looked at."""
        old = self._plain(case.before, case.before_cursor, case.before_context)
        new = self._plain(case.after, case.after_cursor, case.after_context)
        base = self._judge.cold(old.tokens)
        full = self._full(base, new)
        yield FULL_PLAIN, full, full
        plan = plan_reuse(old.tokens, new.tokens)
        store = base.copy()
        vars(vars(store)["_arenas"])["rotary"] = Unturned()
        yield CONFLICT, self._judge.answer(store, plan, new, full), full
        yield PIE, self._judge.answer(base.copy(), plan, new, full), full
        seams = SEAM * sum(1 for _ in plan.runs_behind(plan.unchanged))
        yield PIE_SEAM, self._judge.answer(base.copy(), repaired(plan, Budget(seams)), new, full), full

    def _plain(self, text: str, cursor: int, context: str) -> Prompt:
        layout = replace(lay_out(text, cursor, None, self._config), anchor=cursor)
        prompt = self._prompts.build(cut(text, cursor, layout, context), heal=False)
        ids = prompt.ids
        return Prompt(TaggedTokens(ids, (Span(Role.PREFIX, 0, len(ids)),)), prompt.piece)

    def _full(self, base: KVStore, new: Prompt) -> Answer:
        """Exact by construction: the common prefix is that of a cold computation, the rest is one.

        ``encoded`` is what a cold computation encodes.
        """
        store = base.copy()
        plan = plan_exact(store.tokens, new.tokens, exact=store.exact)
        answer = self._judge.answer(store, plan, new)
        return replace(answer, encoded=len(new.ids))

    def _outcome(self, case: EditCase, method: str, answer: Answer, reference: Answer) -> Outcome:
        agreed: Agreement = agreement(answer, reference)
        return Outcome(
            task=case.task,
            name=case.name,
            method=method,
            prompt=reference.encoded,
            encoded=answer.encoded,
            ms=answer.ms,
            first=agreed.first,
            line=agreed.line,
            divergence=agreed.divergence,
            exact_match=answer.text.strip() == case.truth.strip(),
            similarity=similarity(answer.text.strip(), case.truth.strip()),
            full_right=reference.text.strip() == case.truth.strip(),
            text=answer.text,
            truth=case.truth,
        )


def ours(budget: int) -> str:
    return f"ours, {budget} repaired"


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row a task and method, then the same over all tasks."""
    methods = list(dict.fromkeys(each.method for each in outcomes))
    tasks = list(dict.fromkeys(each.task for each in outcomes))
    parts = [(task, [each for each in outcomes if each.task == task]) for task in tasks]
    return [
        _row(name, method, [each for each in own if each.method == method])
        for name, own in [*parts, ("all", list(outcomes))]
        for method in methods
    ]


def _row(task: str, method: str, own: Sequence[Outcome]) -> Row:
    right = [each for each in own if each.full_right]
    return {
        "task": task,
        "method": method,
        "n": len(own),
        "first = full %": 100 * statistics.fmean(each.first for each in own),
        "line = full %": 100 * statistics.fmean(each.line for each in own),
        "KL": round(statistics.fmean(each.divergence for each in own), 5),
        "EM %": 100 * statistics.fmean(each.exact_match for each in own),
        "ES %": 100 * statistics.fmean(each.similarity for each in own),
        "EM of right %": 100 * statistics.fmean(each.exact_match for each in right) if right else None,
        "ES of right %": 100 * statistics.fmean(each.similarity for each in right) if right else None,
        "encoded": statistics.median(each.encoded for each in own),
        "saved %": 100 * (1 - sum(each.encoded for each in own) / sum(each.prompt for each in own)),
        "ms": statistics.median(each.ms for each in own),
    }
