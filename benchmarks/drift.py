"""Whether a cache that follows a document wears out: agreement with full recomputation over many edits.

A recorded session is replayed through two stores as the product would keep them, one encoding of
what changed behind every edit. Every Nth edit a line is completed from both and from an empty
cache. One store is then made exact again, as in a pause; the other never is.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.agreement import Agreement, Answer, Judge, agreement
from benchmarks.edits import open_model
from benchmarks.plot import COLOURS, Panel, Series, draw
from benchmarks.table import Report, Row
from benchmarks.traces import TypingTrace, applied, read_trace
from completion.config import CompletionConfig
from completion.loading import LoadedModel
from completion.prompt import Prompt, PromptBuilder, cut
from completion.uses import use_sites
from completion.window import Layout, lay_out
from kvcache.plan import Plan, plan_exact, plan_reuse
from kvcache.repair import Budget, repaired
from kvcache.store import KVStore, rounded_capacity

WITH, WITHOUT = "with refresh", "never refreshed"
_BUDGET = 32
_LEAST_OF_TREND = 3
_NATS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1)
_PER_CENT = (0, 25, 50, 75, 100)
_PARTS = 5
_CHUNK = 64
_ROOM = 8_192


class Point(NamedTuple):
    """One completion from one store."""

    edit: int
    """Edits since the caches were computed."""
    store: str
    first: bool
    line: bool
    divergence: float
    encoded: int
    stale: int
    """Tokens in the store that do not equal a cold computation, when it was asked."""


@dataclass
class Follower:
    """A store that follows the document."""

    name: str
    store: KVStore
    refreshed: bool


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trace", type=Path, required=True, help="a recorded session (rustcode.json)")
    parser.add_argument("--from", type=int, default=1_000, dest="first", help="the first edit to follow")
    parser.add_argument("--to", type=int, default=2_000, dest="last", help="the edit to end in front of")
    parser.add_argument("--every", type=int, default=25, help="edits between two completions")
    parser.add_argument("--block", type=int, default=200, help="edits in a row of the table")
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--weights", choices=["auto", "int8", "int4", "float32", "bfloat16"], default="auto")
    parser.add_argument("--json", type=Path, help="write the table's figures here")
    parser.add_argument("--answers", type=Path, help="write every comparison here, one JSON object a line")
    parser.add_argument("--plot", type=Path, help="draw the curves here (SVG)")


def run(options: argparse.Namespace) -> int:
    loaded = open_model(options.model, options.weights)
    replay = Drift(loaded, CompletionConfig())
    points: list[Point] = []
    for point in replay.points(read_trace(options.trace), options.first, options.last, every=options.every):
        points.append(point)
        print(*point, file=sys.stderr, flush=True)
        if options.answers:
            lines = (json.dumps(each._asdict()) + "\n" for each in points)
            options.answers.write_text("".join(lines), "utf-8")
    span = f"edits {options.first} to {options.last}, every {options.every}th completed"
    notes = [
        f"{options.trace.name}, {span}; {_BUDGET} tokens repaired; {loaded.name}, {loaded.weights} weights.",
        "KL: nats a token over the first 16 tokens of full recomputation's own continuation, forced.",
        "Stale: tokens behind the first that is not exact, when a completion was asked.",
        f"'{WITH}': what is stale is encoded again behind each of these completions, not in between.",
        *trends(points),
    ]
    Report("drift", rows(points, options.block), notes).write(options.json)
    if options.plot:
        options.plot.write_text(plot(points, options.block), "utf-8")
    return 0


class Drift:
    """Follows one document. One model; nothing else may use it meanwhile."""

    def __init__(self, loaded: LoadedModel, config: CompletionConfig) -> None:
        self._loaded = loaded
        self._config = config
        self._judge = Judge(loaded)
        self._prompts = PromptBuilder(loaded.codec, loaded.family, _ROOM)
        self._layout: Layout | None = None

    def points(self, trace: TypingTrace, first: int, last: int, *, every: int) -> Iterator[Point]:
        """A point a store at every ``every``-th of the transactions ``[first, last)``."""
        text = trace.text_before(first)
        opening = self._judge.cold(self._prompt(text, trace.transactions[first][0].position).tokens)
        followers = [Follower(WITH, opening, True), Follower(WITHOUT, opening.copy(), False)]
        for edit, patches in enumerate(trace.transactions[first:last], 1):
            text = applied(text, patches)
            prompt = self._prompt(text, patches[-1].cursor)
            if edit % every:
                for each in followers:
                    self._follow(each.store, prompt)
                continue
            full = self._full(prompt)
            for each in followers:
                yield self._point(edit, each, prompt=prompt, full=full)

    def _prompt(self, text: str, cursor: int) -> Prompt:
        self._layout = lay_out(text, cursor, self._layout, self._config)
        return self._prompts.build(cut(text, cursor, self._layout))

    def _plan(self, store: KVStore, prompt: Prompt) -> Plan:
        plan = plan_reuse(store.tokens, prompt.tokens)
        return repaired(plan, Budget(_BUDGET), use_sites(plan, self._loaded.codec.bytes_of))

    def _follow(self, store: KVStore, prompt: Prompt) -> None:
        """What a request does to the store; nobody reads the answer."""
        plan = self._plan(store, prompt)
        store.grow(rounded_capacity(len(plan.wanted)))
        store.apply(plan)
        for start in range(0, plan.cost, _CHUNK):
            self._loaded.forward.encode_at(store, plan.compute[start : start + _CHUNK])

    def _full(self, prompt: Prompt) -> Answer:
        store = self._judge.cold(prompt.tokens)
        return self._judge.answer(store, plan_exact(store.tokens, prompt.tokens, exact=store.exact), prompt)

    def _point(self, edit: int, follower: Follower, *, prompt: Prompt, full: Answer) -> Point:
        store = follower.store
        answer = self._judge.answer(store, self._plan(store, prompt), prompt, full)
        agreed: Agreement = agreement(answer, full)
        stale = len(store) - store.exact
        if follower.refreshed:
            self._judge.refresh(store)
        return Point(edit, follower.name, agreed.first, agreed.line, agreed.divergence, answer.encoded, stale)


def rows(points: Sequence[Point], block: int) -> list[Row]:
    """A row a store and block of edits, then one for each half and one for all."""
    last = max(point.edit for point in points)
    parts = [(f"{start + 1:,} to {start + block:,}", start, start + block) for start in range(0, last, block)]
    parts += [("first half", 0, last // 2), ("second half", last // 2, last), ("all", 0, last)]
    found: list[Row] = []
    for store in dict.fromkeys(point.store for point in points):
        own = [point for point in points if point.store == store]
        for name, start, stop in parts:
            inside = [point for point in own if start < point.edit <= stop]
            found += [_row(store, name, inside)] if inside else []
    return found


def _row(store: str, edits: str, own: Sequence[Point]) -> Row:
    return {
        "store": store,
        "edits": edits,
        "n": len(own),
        "first = full %": 100 * statistics.fmean(each.first for each in own),
        "line = full %": 100 * statistics.fmean(each.line for each in own),
        "KL mean, mnat": 1e3 * statistics.fmean(each.divergence for each in own),
        "KL median, mnat": 1e3 * statistics.median(each.divergence for each in own),
        "encoded mean": statistics.fmean(each.encoded for each in own),
        "stale median": statistics.median(each.stale for each in own),
    }


def trends(points: Sequence[Point]) -> list[str]:
    """A sentence a store: how agreement changes with the number of edits, with its standard error."""
    found: list[str] = []
    for store in dict.fromkeys(point.store for point in points):
        own = [point for point in points if point.store == store]
        if len(own) < _LEAST_OF_TREND:
            continue
        edits = [float(each.edit) for each in own]
        kl, kl_error = slope(edits, [1e3 * each.divergence for each in own])
        line, line_error = slope(edits, [100.0 * each.line for each in own])
        first, first_error = slope(edits, [100.0 * each.first for each in own])
        found.append(
            f"Trend in 1,000 edits, {store}: KL {1e3 * kl:+.1f} ± {1e3 * kl_error:.1f} mnat, "
            f"equal lines {1e3 * line:+.1f} ± {1e3 * line_error:.1f} points, "
            f"equal first tokens {1e3 * first:+.1f} ± {1e3 * first_error:.1f} points."
        )
    return found


def slope(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Slope of the least-squares line through three points or more, and its standard error."""
    found = statistics.linear_regression(xs, ys)
    middle = statistics.fmean(xs)
    residues = sum((y - found.intercept - found.slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    spread = sum((x - middle) ** 2 for x in xs)
    return found.slope, (residues / (len(xs) - 2) / spread) ** 0.5


def plot(points: Sequence[Point], block: int) -> str:
    """Above, the share of equal answers in each block; below, the divergence of every completion."""
    last = max(point.edit for point in points)
    shares: list[Series] = []
    curves: list[Series] = []
    for store, colour in ((WITH, COLOURS[0]), (WITHOUT, COLOURS[1])):
        own = [point for point in points if point.store == store]
        parts = {at: [each for each in own if at < each.edit <= at + block] for at in range(0, last, block)}
        full = {at: part for at, part in parts.items() if part}
        for what, equal in (("first token", _first), ("line", _line)):
            place = block * (0.2 + 0.2 * len(shares))
            bars = [(at + place, 100 * statistics.fmean(map(equal, part))) for at, part in full.items()]
            faint, width = equal is _first, block * 0.17
            shares.append(Series(f"{store}: {what}", bars, colour, "bars", faint=faint, width=width))
        means = [(at + block / 2, statistics.fmean(map(_divergence, part))) for at, part in full.items()]
        curves += [Series("", [(each.edit, each.divergence) for each in own], colour, "dots")]
        curves += [Series("", means, colour)]
    panels = [
        Panel("Answers equal to full recomputation's, % of the completions of a block", _PER_CENT, shares),
        Panel(
            "KL divergence from it, nats a token: every completion; means of the blocks",
            _NATS,
            curves,
            log=True,
        ),
    ]
    ticks = [last * part / _PARTS for part in range(_PARTS + 1)]
    return draw("Drift", panels, across="edits since the cache was computed", ticks=ticks)


def _first(point: Point) -> bool:
    return point.first


def _line(point: Point) -> bool:
    return point.line


def _divergence(point: Point) -> float:
    return point.divergence
