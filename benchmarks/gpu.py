"""One NVIDIA GPU: steps as CUDA graphs and plainly, held to its memory; edits, to computing all.

Models of the real shapes with random weights, so nothing is downloaded. Where there is no GPU it
says what was not measured, and that is all.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.gpu_edits import Edits, document
from benchmarks.gpu_machine import copy_bandwidth, wait, why_no_gpu
from benchmarks.gpu_models import SIZES, Size, Subject, make_subject
from benchmarks.gpu_verdicts import verdicts
from benchmarks.table import Cell, Report
from completion.forward import Forward
from completion.sampling import greedy
from kvcache.store import KVStore

_WARM = 4
"""Steps that are not timed: the first is computed plainly, the second recorded."""
_DRAFTS = 8
_ROOM_FACTOR = 1.25
"""Memory that a model needs, in sizes of its weights, beside a few GB for caches."""
_CACHE_ROOM = 6 << 30


@dataclass(frozen=True)
class Plan:
    """What is measured, of which length. Tokens, but for ``rounds``."""

    decode_at: int = 2_048
    decoded: int = 48
    contexts: Sequence[int] = (2_048, 8_192)
    edits: Sequence[int] = (2, 40)
    rounds: int = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [size.name for size in SIZES]
    parser.add_argument("--models", nargs="+", default=names, choices=names)
    parser.add_argument("--seconds", type=float, default=420.0, help="no model is begun after so long")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


def run(options: argparse.Namespace) -> int:
    sizes = [size for size in SIZES if size.name in options.models]
    if missing := why_no_gpu():
        named = ", ".join(size.name for size in sizes)
        print(f"Nothing was measured, for want of an NVIDIA GPU: {missing}")
        print(f"Not run: decode, verify, edits and memory of {named}.")
        print("`make gpu-check` runs all of it on a machine with such a GPU.")
        return 0
    device = torch.device("cuda")
    bandwidth = copy_bandwidth(device)
    notes = [f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, bfloat16, random weights."]
    notes.append(f"Copying 1 GiB reads and writes {bandwidth / 1e9:,.0f} GB/s.")
    rows: list[dict[str, Cell]] = []
    started = time.monotonic()
    for size in sizes:
        if why := _why_not(size, device, started + options.seconds):
            notes.append(f"{size.name} was not measured: {why}")
            continue
        rows.append(measure(make_subject(size, device), Plan(), bandwidth))
        notes += verdicts(rows[-1])
    Report("gpu", rows, notes).write(options.json)
    return 0


def _why_not(size: Size, device: torch.device, deadline: float) -> str:
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    free, _ = torch.cuda.mem_get_info(device)
    need = int(2 * size.weights * _ROOM_FACTOR) + _CACHE_ROOM
    if time.monotonic() > deadline:
        return "the time was up."
    return f"{free / 1e9:.0f} GB are free, it may need {need / 1e9:.0f}." if need > free else ""


def measure(subject: Subject, plan: Plan, bandwidth: float) -> dict[str, Cell]:
    """One row of the table: milliseconds, but for what is named otherwise."""
    prompt = document(subject.size.vocabulary, plan.decode_at).ids
    cells: dict[str, Cell] = {"model": subject.size.name}
    cells["floor ms"] = 1e3 * subject.bytes_read / bandwidth
    store = subject.store(prompt)
    cells["alike"] = _likeness(subject, store)
    for name, forward in (("graphs", subject.recorded), ("eager", subject.plain)):
        cells[f"decode {name} ms"] = _decode_ms(forward, store, plan.decoded)
        cells[f"verify {name} ms"] = _verify_ms(forward, store, plan.rounds, subject.device)
    cells["graphs kept"] = subject.passes.recorded
    del store
    for context in plan.contexts:
        edits = Edits(subject, context)
        cells[f"all @{context:,} ms"] = statistics.median(edits.first_tokens(0, plan.rounds, "recompute"))
        for length in plan.edits:
            times = edits.first_tokens(length, plan.rounds, "auto")
            cells[f"+{length} @{context:,} ms"] = statistics.median(times)
    if subject.device.type == "cuda":
        cells["peak GB"] = torch.cuda.max_memory_allocated(subject.device) / 1e9
        cells["reserved GB"] = torch.cuda.max_memory_reserved(subject.device) / 1e9
    cells["weights GB"] = sum(weight.nbytes for weight in subject.model.parameters()) / 1e9
    return cells


def _likeness(subject: Subject, store: KVStore) -> float:
    """The least cosine of the logits of recorded and plain passes of one and of eight rows."""
    found: list[float] = []
    length, tokens = len(store), store.ids[:_DRAFTS]
    for rows in (1, _DRAFTS):
        for _ in range(3):
            ours = subject.recorded.every_logits(store, tokens[:rows])
            store.truncate(length)
            wanted = subject.plain.every_logits(store, tokens[:rows])
            store.truncate(length)
            found.append(float(torch.nn.functional.cosine_similarity(ours, wanted, dim=-1).min()))
    return min(found)


def _decode_ms(forward: Forward, store: KVStore, count: int) -> float:
    """A token of the loop that decodes: forward pass, choice, and reading it."""
    length, token = len(store), store.ids[-1]
    for _ in range(_WARM):
        token = greedy(forward.logits(store, [token]))
    started = time.perf_counter()
    for _ in range(count):
        token = greedy(forward.logits(store, [token]))
    took = time.perf_counter() - started
    store.truncate(length)
    return 1e3 * took / count


def _verify_ms(forward: Forward, store: KVStore, rounds: int, device: torch.device) -> float:
    length, drafts = len(store), store.ids[:_DRAFTS]

    def verify() -> None:
        forward.every_logits(store, drafts).argmax(-1).tolist()
        store.truncate(length)

    for _ in range(_WARM):
        verify()
    return statistics.median(_ms(verify, device) for _ in range(rounds))


def _ms(call: Callable[[], object], device: torch.device) -> float:
    wait(device)
    started = time.perf_counter()
    call()
    wait(device)
    return 1e3 * (time.perf_counter() - started)
