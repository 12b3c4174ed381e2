"""Drafters beside none: accepted tokens, tokens a pass, and the time an answer takes.

Each prompt is encoded once; from there every drafter decodes in turn, the order turning with the
prompts, none at both ends. Decoding includes all that drafting takes, a draft model's reading of the
prompt among it. A drafter keeps what it has learnt from prompt to prompt, as in use.

Acceptance: accepted / drafted tokens. Block efficiency: output tokens per pass of the target behind
its first token. MBSU (memory-bound speed-up): block efficiency / (drafted per pass · draft's
parameters / target's + 1).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmarks.draft_sets import SETS, Question, questions
from benchmarks.table import Report, Row
from completion.config import CompletionConfig, EngineConfig
from completion.decode import Decoded, Limits
from completion.drafting import Drafters
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from completion.prompt import Prompt
from completion.records import CompletionRequest
from completion.registry import obtain
from completion.stopping import StopRule
from completion.threads import use_threads
from completion.verifying import Drafting
from completion.window import lay_out
from drafts.chooser import Chooser
from drafts.config import DraftConfig, DraftMode
from drafts.draft import Source
from drafts.report import DraftReport
from kvcache.store import KVStore, rounded_capacity

_CONFIG = CompletionConfig()
_NONE = "none"
_CACHE_BYTES = 1 << 30


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--rows", type=int, default=150, help="prompts of each set")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--model", help="the target: a name, a directory or a file; default: the default model"
    )
    parser.add_argument("--draft", help="a draft model of the same vocabulary")
    parser.add_argument("--drafters", nargs="+", default=["typed", "suffix", "small_model", "auto"])
    parser.add_argument("--tokens", type=int, default=64, help="of an answer at most")
    parser.add_argument("--window", type=int, default=DraftConfig().window)
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


@dataclass(frozen=True)
class Answered:
    """One answer of one drafter."""

    ids: tuple[int, ...]
    seconds: float
    drafts: DraftReport


@dataclass
class Bench:
    """A target, and everybody who drafts for it."""

    target: LoadedModel
    engine: Engine
    choosers: dict[str, Chooser]
    tokens: int
    found: dict[tuple[str, str], list[tuple[Answered, float]]] = field(
        default_factory=dict[tuple[str, str], list[tuple[Answered, float]]]
    )
    """By set and drafter: the answer, and the seconds without drafts."""
    differing: list[str] = field(default_factory=list[str])

    def ask(self, name: str, question: Question, turn: int) -> None:
        """All drafters answer one question."""
        request = self._predicted(question)
        prompt, store, logits = self._encode(request)
        names = list(self.choosers)
        names = names[turn % len(names) :] + names[: turn % len(names)]
        plain = [self._decode(request, prompt, store, logits, None)]
        told = {each: self._decode(request, prompt, store, logits, self.choosers[each]) for each in names}
        plain.append(self._decode(request, prompt, store, logits, None))
        without = statistics.mean(each.seconds for each in plain)
        self.found.setdefault((name, _NONE), []).append((plain[0], without))
        for each, answered in told.items():
            self.found.setdefault((name, each), []).append((answered, without))
            if answered.ids != plain[0].ids:
                self.differing.append(f"{name}, {request.document}, {each}")

    def _predicted(self, question: Question) -> CompletionRequest:
        if question.earlier is None:
            return question.request
        prompt, store, logits = self._encode(question.earlier)
        said = self._decode(question.earlier, prompt, store, logits, None).ids
        text = b"".join(self.target.codec.bytes_of(token) for token in said)[len(prompt.piece) :]
        return replace(question.request, prediction=text.decode(errors="ignore"))

    def _encode(self, request: CompletionRequest) -> tuple[Prompt, KVStore, torch.Tensor]:
        layout = lay_out(request.text, request.cursor, None, _CONFIG)
        prompt = self.engine.prompt(request, layout)
        capacity = rounded_capacity(len(prompt.ids) + self.tokens + 32)
        model = self.target
        store = KVStore(model.shape, capacity, dtype=model.dtype, device=model.device, rotary=model.rotary)
        return prompt, store, model.forward.logits(store, prompt.ids)

    def _decode(
        self,
        request: CompletionRequest,
        prompt: Prompt,
        store: KVStore,
        logits: torch.Tensor,
        chooser: Chooser | None,
    ) -> Answered:
        store.truncate(len(prompt.ids))
        rule = StopRule(
            before=request.text[: request.cursor],
            after=request.text[request.cursor :],
            language=request.language,
        )
        expected = prompt.piece.decode() + request.prediction if request.prediction else ""
        source = Source(
            prompt.tokens,
            document=request.document,
            predicted=self.target.codec.encode(expected) if expected else (),
            language=request.language,
        )
        limits = Limits(self.tokens, time.perf_counter() + 3_600)
        started = time.perf_counter()
        steps = self.engine.decoder.steps(
            store,
            logits,
            piece=prompt.piece,
            rule=rule,
            limits=limits,
            emit=lambda _: None,
            drafting=None if chooser is None else Drafting(chooser, source),
        )
        done: Decoded
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                done = stop.value
                break
        seconds = time.perf_counter() - started
        report = DraftReport() if chooser is None else chooser.report()
        if chooser is not None:
            chooser.end()
        return Answered(tuple(done.ids), seconds, report)


def run(options: argparse.Namespace) -> int:
    use_threads(options.threads)
    target, size = _load(options.model)
    small, its_size = _load(options.draft) if options.draft else (None, 0)
    choosers: dict[str, Chooser] = {}
    for mode in options.drafters:
        chooser = _chooser(target, small, mode, options.window)
        if chooser is not None:
            choosers[mode] = chooser
    engine = Engine(target, EngineConfig(), _CONFIG, Drafters(DraftConfig(drafter="off")))
    bench = Bench(target, engine, choosers, options.tokens)
    for name in options.sets:
        for turn, question in enumerate(questions(name, options.data, rows=options.rows, seed=options.seed)):
            bench.ask(name, question, turn)
            print(f"{name} {turn + 1}/{options.rows}", file=sys.stderr, flush=True)
    ratio = its_size / size
    rows = [summary(name, mode, found, ratio) for (name, mode), found in bench.found.items()]
    count = sum(len(found) for (_, mode), found in bench.found.items() if mode != _NONE)
    notes = [
        (
            f"Target {target.name} ({target.weights}), draft {small.name if small else 'none'}; greedy; "
            f"at most {options.tokens} tokens an answer, {options.window} drafted a pass."
        ),
        f"Answers that differ from those without drafts: {len(bench.differing)} of {count}.",
        *bench.differing[:10],
        "Speed-up: time without drafts / with them, decoding alone; median and worst decile of the prompts.",
    ]
    Report("drafts", rows, notes).write(options.json)
    return 1 if bench.differing else 0


def _load(name: str | None) -> tuple[LoadedModel, int]:
    """A model and the size of its weights."""
    location = obtain(name, models_dir=None, has_gpu=torch.cuda.is_available(), progress=lambda _: None)
    loaded = load_model(location.name, location.directory, EngineConfig())
    return loaded, _weight_bytes(location.directory)


def _chooser(target: LoadedModel, small: LoadedModel | None, mode: DraftMode, window: int) -> Chooser | None:
    return Drafters(DraftConfig(drafter=mode, window=window), small).chooser(
        target, cache_bytes=_CACHE_BYTES, chunk=64
    )


def _weight_bytes(directory: Path) -> int:
    """Of the converted model, which has two bytes a parameter."""
    return sum(path.stat().st_size for path in directory.glob("*.safetensors"))


def summary(name: str, mode: str, found: Sequence[tuple[Answered, float]], ratio: float) -> Row:
    """One row of the table."""
    reports = [answered.drafts for answered, _ in found]
    drafted, accepted = sum(each.drafted for each in reports), sum(each.accepted for each in reports)
    passes, output = sum(each.passes for each in reports), sum(each.output for each in reports)
    gains = sorted(without / answered.seconds for answered, without in found)
    row: dict[str, str | int | float | None] = {"set": name, "drafter": mode, "prompts": len(found)}
    row["tokens"] = statistics.mean(len(answered.ids) for answered, _ in found)
    row["ms"] = statistics.median(answered.seconds * 1e3 for answered, _ in found)
    if mode != _NONE:
        efficiency = output / passes if passes else None
        cost = ratio if mode == "small_model" else 0.0
        row |= {
            "acceptance": _ratio(accepted / drafted) if drafted else None,
            "block efficiency": _ratio(efficiency) if efficiency else None,
            "MBSU": _ratio(efficiency / (drafted / passes * cost + 1)) if efficiency else None,
            "speed-up median": _ratio(statistics.median(gains)),
            "worst decile": _ratio(gains[len(gains) // 10]),
            "all together": _ratio(
                sum(without for _, without in found) / sum(each.seconds for each, _ in found)
            ),
        }
    return row


def _ratio(value: float) -> str:
    """With the two digits that a hundredth of a loss is told by."""
    return f"{value:.2f}"
