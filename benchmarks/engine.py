"""The engine alone: reading a prompt, making tokens, checking drafts; beside llama.cpp.

Every way of holding the weights is loaded into this process; llama.cpp is a running
``llama-server`` with the same model and as many threads. A round asks each of them once, in
turn; the table shows medians over the rounds.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmarks.llama import LlamaServer
from benchmarks.table import Cell, Report, Row
from completion.config import EngineConfig, Weights
from completion.loading import LoadedModel, load_model
from completion.registry import obtain
from completion.threads import use_threads
from kvcache.store import KVStore, rounded_capacity

_ROOT = Path(__file__).parents[1]
_DECODED = 24
_DRAFTED = 8
_DEFAULT_CONTEXT = 1_000
_APPEND_CONTEXT = 2_000
_PROMPTS = (512, 2_048)
_ROOM = 64

Figures = dict[str, list[float]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument(
        "--weights", nargs="+", default=["auto"], choices=["auto", "int8", "int4", "float32", "bfloat16"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--context", type=int, nargs="*", default=[], help="further lengths to decode at")
    parser.add_argument(
        "--llama", metavar="URL", help="a running llama-server, such as http://127.0.0.1:8080"
    )
    parser.add_argument("--json", type=Path, help="write the table's figures here")


def run(options: argparse.Namespace) -> int:
    threads = use_threads(options.threads)
    location = obtain(
        options.model, models_dir=None, has_gpu=torch.cuda.is_available(), progress=lambda _: None
    )
    contexts = [_DEFAULT_CONTEXT, *options.context]
    ours = [_ours(location.name, location.directory, weights, contexts) for weights in options.weights]
    engines: dict[str, Subject] = {each.loaded.weights: each for each in ours}
    if options.llama:
        engines["llama.cpp"] = Llama(LlamaServer(options.llama), contexts)
    longest = max([*_PROMPTS, *contexts, _APPEND_CONTEXT]) + _ROOM
    tokens = ours[0].loaded.codec.encode(project_text())[:longest]
    figures: dict[str, Figures] = {name: {} for name in engines}
    for number in range(options.rounds):
        for name, engine in engines.items():
            for key, value in engine.round(tokens).items():
                figures[name].setdefault(key, []).append(value)
        print(f"round {number + 1}/{options.rounds}", file=sys.stderr, flush=True)
    notes = [
        f"{location.name}, {threads} threads, {options.rounds} rounds, medians; it reads this project.",
        f"Decode: over {_DECODED} tokens, at {_DEFAULT_CONTEXT:,} tokens of context where none is named.",
        f"Verify: one pass of 1 + {_DRAFTED} tokens there, with all logits.",
        f"Append: from two tokens typed at {_APPEND_CONTEXT:,} tokens of context to the logits.",
        f"Largest resident memory of this process, all weights together: {_peak_mb():,.0f} MB.",
        *([] if options.llama else ["llama.cpp was not measured: no --llama."]),
    ]
    Report("engine", [row(name, each) for name, each in figures.items()], notes).write(options.json)
    return 0


def _ours(name: str, directory: Path, weights: Weights, contexts: Sequence[int]) -> "Ours":
    config = replace(EngineConfig(), weights=weights)
    return Ours(load_model(name, directory, config), config.prefill_chunk, contexts)


def row(engine: str, figures: Mapping[str, Sequence[float]]) -> Row:
    """Medians of all rounds; the steps also in decode steps, which is what they are to be held to."""
    cells: dict[str, Cell] = {"engine": engine}
    cells.update({key: statistics.median(values) for key, values in figures.items()})
    step_ms = 1e3 / statistics.median(figures["decode t/s"])
    for name in ("verify", "append"):
        if f"{name} ms" in figures:
            cells[f"{name}, steps"] = statistics.median(figures[f"{name} ms"]) / step_ms
    return cells


@dataclass
class Ours:
    """One model in this process."""

    loaded: LoadedModel
    chunk: int
    contexts: Sequence[int]
    _stores: dict[int, KVStore] = field(default_factory=dict[int, KVStore])

    def round(self, tokens: Sequence[int]) -> dict[str, float]:
        """One measurement of everything, in the units of the table."""
        found: dict[str, float] = {}
        for length in _PROMPTS:
            found[f"prefill {length:,} t/s"] = length / timed(
                lambda length=length: self._prefill(tokens[:length])
            )
        for context in self.contexts:
            store = self._store(tokens, context)
            found[_decode_column(context)] = _DECODED / timed(lambda store=store: self._decode(store))
            store.truncate(context)
        store = self._store(tokens, _DEFAULT_CONTEXT)
        drafts = tokens[_DEFAULT_CONTEXT : _DEFAULT_CONTEXT + 1 + _DRAFTED]
        found["verify ms"] = 1e3 * timed(lambda: self.loaded.forward.every_logits(store, drafts))
        store.truncate(_DEFAULT_CONTEXT)
        store = self._store(tokens, _APPEND_CONTEXT)
        typed = tokens[_APPEND_CONTEXT : _APPEND_CONTEXT + 2]
        found["append ms"] = 1e3 * timed(lambda: self.loaded.forward.logits(store, typed))
        store.truncate(_APPEND_CONTEXT)
        return found

    def _prefill(self, tokens: Sequence[int]) -> None:
        self._drain(self._fresh(len(tokens)), tokens)

    def _store(self, tokens: Sequence[int], length: int) -> KVStore:
        if length not in self._stores:
            self._stores[length] = self._fresh(length + _ROOM)
            self._drain(self._stores[length], tokens[:length])
        return self._stores[length]

    def _drain(self, store: KVStore, tokens: Sequence[int]) -> None:
        for start in range(0, len(tokens), self.chunk):
            self.loaded.forward.encode(store, tokens[start : start + self.chunk])

    def _decode(self, store: KVStore) -> None:
        token = store.ids[-1]
        for _ in range(_DECODED):
            token = int(self.loaded.forward.logits(store, [token]).argmax())

    def _fresh(self, capacity: int) -> KVStore:
        own = self.loaded
        return KVStore(
            own.shape, rounded_capacity(capacity), dtype=own.dtype, device=own.device, rotary=own.rotary
        )


@dataclass
class Llama:
    """A running ``llama-server``; what it says of its own times, without the way there."""

    server: LlamaServer
    contexts: Sequence[int]

    def round(self, tokens: Sequence[int]) -> dict[str, float]:
        """Reading prompts and making tokens."""
        found: dict[str, float] = {}
        for length in _PROMPTS:
            told = self.server.complete(tokens[:length], make=1, reuse=False)
            found[f"prefill {length:,} t/s"] = told.encoded / told.encode_ms * 1e3
        for context in self.contexts:
            told = self.server.complete(tokens[:context], make=_DECODED)
            found[_decode_column(context)] = told.made / told.make_ms * 1e3
        return found


def _decode_column(context: int) -> str:
    return "decode t/s" if context == _DEFAULT_CONTEXT else f"decode @{context:,} t/s"


Subject = Ours | Llama


def timed(call: Callable[[], object]) -> float:
    """Seconds that ``call`` takes."""
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def project_text() -> str:
    """Source text to read: this project's own, always in the same order."""
    return "\n\n".join(path.read_text("utf-8") for path in sorted((_ROOT / "completion").glob("*.py")))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
