"""What the weights cost in quality: perplexity on code, infills, greedy agreement with float32.

Every engine is loaded alone, one after the other: plain transformers in float32 (the reference),
the product with each kind of weights, a running llama-server. All infills (HumanEval-Infilling, one
line missing) are answered greedily from the same prompt tokens, 32 tokens at most, and judged as
by the benchmark fim. With ``--out`` a run that was broken off goes on where it was.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import msgspec
import torch
import transformers

from benchmarks import held_out
from benchmarks.contestants import Llama, Product
from benchmarks.fim import load
from benchmarks.infills import TOKENS, Reader
from benchmarks.kept import Kept
from benchmarks.measuring import Contestant, Task, measure
from benchmarks.reference import CHOICES, Reference
from benchmarks.sandbox import Sandbox
from benchmarks.table import Report, commit
from benchmarks.verdicts import LLAMA, REFERENCE, Difference, differences, row, verdicts
from completion.config import Weights
from completion.loading import choose_device, choose_weights
from completion.registry import ModelLocation, obtain
from completion.threads import use_threads

INFILLS = Path("humaneval-infilling", "HumanEval-SingleLineInfilling.jsonl")
TRACES = Path("edit-traces", "dev.jsonl")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help=f"the folder that holds {INFILLS}, {TRACES}")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument(
        "--seed", type=int, default=7, help="of the shuffle in front of the choice of prompts"
    )
    parser.add_argument("--files", type=int, default=2, help="for perplexity, of each of the repositories")
    parser.add_argument("--weights", type=_kinds, default=["float32", "auto"], help="parted by commas")
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--llama", metavar="URL", help="a running llama-server with the same model's GGUF")
    parser.add_argument("--out", type=Path, help="folder of all answers and of the list of differing ones")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


def run(options: argparse.Namespace) -> int:
    """Measure; 1 when a goal is missed."""
    use_threads(options.threads)
    location = obtain(
        options.model, models_dir=None, has_gpu=torch.cuda.is_available(), progress=lambda _: None
    )
    reader = Reader(location.directory)
    cases = load(options.data / INFILLS, rows=options.prompts, seed=options.seed)
    windows = held_out.windows(options.data / TRACES, reader.codec, each=options.files)
    task = Task([reader.infill(case) for case in cases], windows)
    sandbox = Sandbox()
    contestants = _contestants(options, location, reader)
    found = {each.name: _kept(options, location, each) for each in contestants}
    for each in contestants:
        measure(each, task, sandbox, found[each.name])
    goals = verdicts(found, choose_weights("auto", choose_device("auto")))
    apart = _apart(found, task, reader)
    if options.out:
        lines = (json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in apart)
        (options.out / "differences.jsonl").write_text("".join(lines), "utf-8")
    rows = [row(name, each, found[REFERENCE]) for name, each in found.items()]
    notes = [*_notes(options, location, task, sandbox), *_ties(apart), *map(str, goals)]
    Report("quality", rows, notes).write(options.json)
    return 0 if all(goal.met for goal in goals) else 1


def _kinds(text: str) -> list[Weights]:
    try:
        return msgspec.convert(text.split(","), list[Weights])
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _kind(wanted: Weights, device: torch.device) -> Weights:
    return msgspec.convert(choose_weights(wanted, device), Weights)


def _contestants(options: argparse.Namespace, location: ModelLocation, reader: Reader) -> list[Contestant]:
    """The reference first; kinds of weights that come to the same once."""
    device = choose_device("auto")
    versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
    name, directory = location.name, location.directory
    found = [Contestant(REFERENCE, versions, partial(Reference, directory, reader, device))]
    kinds: dict[Weights, None] = dict.fromkeys(_kind(wanted, device) for wanted in options.weights)
    found += [Contestant(kind, commit(), partial(Product, name, directory, kind)) for kind in kinds]
    if options.llama:
        found.append(Contestant(LLAMA, options.llama, partial(Llama, options.llama, reader)))
    return found


def _kept(options: argparse.Namespace, location: ModelLocation, contestant: Contestant) -> Kept:
    """What is known of it from a run before. Raises OtherTerms."""
    terms: dict[str, str | int] = {
        "model": location.name,
        "prompts": options.prompts,
        "seed": options.seed,
        "files": options.files,
        "made by": contestant.made_by,
    }
    file = options.out and options.out / f"{contestant.name.replace(' ', '-')}.jsonl"
    return Kept(file, terms)


def _apart(found: Mapping[str, Kept], task: Task, reader: Reader) -> list[Difference]:
    lines = {each.case.name: each.case.line for each in task.infills}

    def spell(token: int) -> str:
        return reader.codec.bytes_of(token).decode("utf-8", "replace")

    reference = found[REFERENCE]
    return [
        difference
        for name, each in found.items()
        for difference in differences(name, each, reference, lines=lines, spell=spell)
    ]


def _ties(apart: Sequence[Difference]) -> list[str]:
    """A line for each engine that differs: by how little."""
    told: list[str] = []
    for engine in dict.fromkeys(each.engine for each in apart):
        own = sorted(each.margin_at_least for each in apart if each.engine == engine)
        told.append(
            f"{engine} differs on {len(own)} prompts; the reference's logits at the first differing "
            f"token are {own[len(own) // 2]:.2f} apart in the middle, {own[-1]:.2f} at most."
        )
    return told


def _notes(options: argparse.Namespace, location: ModelLocation, task: Task, sandbox: Sandbox) -> list[str]:
    healed = sum(bool(each.prompt.piece) for each in task.infills)
    dates = sorted(each.date for each in task.windows)
    return [
        f"{location.name}; {INFILLS.name}: {len(task.infills)} rows, shuffled with seed {options.seed}.",
        f"Greedy, {TOKENS} tokens at most, append layout, nothing cached; {healed} have a piece to heal.",
        f"Perplexity: {len(task.windows)} windows of {held_out.TOKENS:,} tokens around changes in {TRACES},",
        f"committed {dates[0]} to {dates[-1]}; each token behind all in front of it, but a window's first.",
        f"{REFERENCE}: its own eager attention and cache, none of ours. Equal: token for token, to the end.",
        f"Margins look no further than the reference's {CHOICES} likeliest tokens.",
        f"Tests run in a sandbox: {sandbox.isolation}.",
        *([] if options.llama else ["llama.cpp was not measured: no --llama."]),
        *([f"Answers, and the differing ones in differences.jsonl: {options.out}."] if options.out else []),
    ]
