"""A whole training run of an early exit's adapter (Kangaroo, arXiv 2404.18911): files in, a draft out.

It may be stopped at any time and gone on with. What is half done lies in ``OUT.training``: the options, what
the target thinks of each sample (the traces), the state of the training and its curve.
"""

import bisect
import csv
import dataclasses
import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from drafts.adapter import Adapter, write_adapter
from drafts.card import ADAPTER, WINDOWS, DraftCard, Measured, write_card
from drafts.errors import BadRecipe, NoCorpus, UnusableAdapter
from drafts.train import kangaroo, traces
from drafts.train.acceptance import block_efficiency
from drafts.train.batches import Codec, count_tokens
from drafts.train.corpus import Corpus, Document, collect
from drafts.train.curves import CSV, PNG
from drafts.train.exit_model import ExitModel, Frozen
from drafts.train.exits import tensor_of
from drafts.train.output import refuse_taken
from drafts.train.png import Curve, Panel, write_png
from drafts.train.progress import Interrupted, Watch
from drafts.train.run import Job, Outcome, alone, begin, check_job, device_of
from drafts.train.samples import FimIds, cut_middle, fim_sample, text_sample, window
from drafts.vocabulary import choose, fingerprint
from kvcache.arenas import listed

_OUTSIDE = 0.3
"""How much a position outside of a middle counts: most are easier, and none is drafted."""


class Target(traces.Target, Protocol):
    """The model that exits early; ``completion.exit_target.ExitTarget`` is one."""

    def frozen(self, layers: int, words: torch.Tensor) -> Frozen:
        """What of it the training uses. Raises UnusableAdapter where there can be no exit."""
        ...


@dataclass(frozen=True)
class ExitRecipe:
    """How an adapter is made. Everything here decides the result, and a resumed run must have the same."""

    steps: int
    layers: int = 2
    """The exit is behind so many layers of the target."""
    words: int = 8_192
    """Tokens that can be guessed."""
    rows: int = 4
    """Samples a step."""
    length: int = 384
    """Tokens a sample."""
    samples: int = 2_000
    """Samples that the target is asked about; each is seen many times."""
    held_out: int = 64
    rate: float = 1.5e-3
    looks: int = 10
    """How often the held-out samples are measured."""
    seed: int = 0

    def check(self) -> None:
        """Raise BadRecipe for what cannot be."""
        for name, value in (("steps", self.steps), ("samples", self.samples), ("words", self.words - 255)):
            if value < 1:
                raise BadRecipe(f"There are too few {name} for a draft.")
        if self.length < 32:
            raise BadRecipe("A sample has 32 tokens at least.")

    def as_json(self) -> dict[str, Any]:
        """Plain values, in which two recipes can be compared."""
        return dataclasses.asdict(self)


def train_exit(
    recipe: ExitRecipe, job: Job, codec: Codec, fim: FimIds, *, target: Target, watch: Watch
) -> Outcome:
    """Make an adapter, or go on making it. Raises a TrainingError."""
    recipe.check()
    refuse_taken(job.out)
    check_job(job)
    device = device_of(job.device)
    with alone(job.folder):
        try:
            corpus = watch.follow("Reading files", collect(job.roots, job.rules))
            begin(recipe.as_json(), job, corpus)
            frozen = _frozen(recipe, target, _words(recipe, corpus, codec, fim=fim, watch=watch))
            learnt, held = _traced(recipe, job, corpus, codec, fim=fim, target=target, watch=watch)
            adapter = _trained(recipe, job, frozen.to(device), traces_=(learnt, held), watch=watch)
        except Interrupted:
            return Outcome(kangaroo.saved_step(job.folder), None)
        measured = measure(adapter, frozen, held)
        card = DraftCard("exit", job.target, fingerprint(codec), (recipe.layers,), recipe.steps, (measured,))
        _write(job, adapter, card)
    shutil.rmtree(job.folder, ignore_errors=True)
    size = sum(part.numel() for part in (adapter.query, adapter.query_bias, adapter.out, adapter.turn))
    return Outcome(recipe.steps, job.out, size, (measured,))


def samples_of(
    documents: Sequence[Document], codec: Codec, fim: FimIds, *, count: int, length: int, seed: int
) -> list[traces.Sample]:
    """Random places of ``documents``, in turns as plain text and as a middle between two sides.

    Each character is as likely as any other. A position counts as much as what follows it.
    """
    texts = [document.text for document in documents if document.text]
    ends = list(itertools.accumulate(map(len, texts)))
    if not texts:
        raise NoCorpus("The files hold nothing that could be learnt from.")
    found: list[traces.Sample] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        seen = window(texts[bisect.bisect_right(ends, int(rng.integers(ends[-1])))], length, rng)
        found.append(_sample(seen.text, codec, fim, length=length, rng=rng if number % 2 else None))
    return found


def measure(adapter: Adapter, frozen: Frozen, held_out: Sequence[traces.Trace]) -> Measured:
    """What the adapter is worth on the middles held out, in nats and tokens of the target."""
    model = ExitModel(dataclasses.replace(frozen, start=adapter))
    hits = kangaroo.middle_hits(model, frozen, held_out)
    count = sum(map(len, hits))
    return Measured(
        loss=_loss(model, frozen, held_out),
        acceptance=sum(int(each.sum()) for each in hits) / max(1, count),
        block_efficiency=tuple(block_efficiency(hits, most) for most in WINDOWS),
    )


def _sample(
    text: str, codec: Codec, fim: FimIds, *, length: int, rng: np.random.Generator | None
) -> traces.Sample:
    """Of ``text``: a middle that ``rng`` cuts out of it, or without it plain text."""
    if rng is None:
        ids = text_sample(codec.encode_batch([text])[0], length, None).ids
        return traces.Sample(ids, (_OUTSIDE,) * len(ids))
    parts = codec.encode_batch([*cut_middle(text, length, rng)])
    sample = fim_sample(parts, length + 1, fim, middle_only=True)
    ids, outside = sample.ids[:-1], sample.learn_from - 1
    return traces.Sample(ids, (_OUTSIDE,) * outside + (1.0,) * (len(ids) - outside))


def _frozen(recipe: ExitRecipe, target: Target, words: torch.Tensor) -> Frozen:
    """What the training uses of the target. Raises BadRecipe where there can be no exit."""
    try:
        return target.frozen(recipe.layers, words)
    except UnusableAdapter as error:
        raise BadRecipe(str(error)) from error


def _words(recipe: ExitRecipe, corpus: Corpus, codec: Codec, *, fim: FimIds, watch: Watch) -> torch.Tensor:
    """The ids of the most frequent tokens, and of what ends a middle, ascending."""
    counts = watch.follow("Counting tokens", count_tokens(corpus.train, codec), len(corpus.train))
    return tensor_of(choose(counts, min(recipe.words, len(codec)), fim.stops), torch.device("cpu")).long()


def _traced(
    recipe: ExitRecipe, job: Job, corpus: Corpus, codec: Codec, *, fim: FimIds, target: Target, watch: Watch
) -> tuple[list[traces.Trace], list[traces.Trace]]:
    """Traces to learn from, and those held out; made once and kept in the run's folder."""
    found: list[list[traces.Trace]] = []
    for name, documents, count in (
        ("held-out", corpus.held_out, recipe.held_out), ("train", corpus.train, recipe.samples),
    ):  # fmt: skip
        samples = samples_of(
            documents, codec, fim, count=count, length=recipe.length, seed=recipe.seed + len(found)
        )
        folder = job.folder / name
        work = traces.trace_all(target, samples, recipe.layers, folder=folder)
        watch.follow(f"The target reads ({name})", work, len(samples))
        found.append(traces.read_traces(folder))
    held, learnt = found
    return learnt, held


def _trained(
    recipe: ExitRecipe, job: Job, frozen: Frozen, *, traces_: tuple[Any, Any], watch: Watch
) -> Adapter:
    is_gpu = frozen.head.device.type == "cuda"
    settings = kangaroo.Settings(
        recipe.steps,
        recipe.rows,
        recipe.rate,
        look_every=max(1, recipe.steps // recipe.looks),
        seed=recipe.seed,
        products=torch.bfloat16 if is_gpu else torch.float32,
    )
    work = kangaroo.train(frozen, *traces_, settings=settings, folder=job.folder, watch=watch)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        draw(job.folder)


def draw(folder: Path) -> None:
    """Draw the curve that lies in ``folder`` into ``curves.png`` beside it."""
    with (folder / kangaroo.CURVE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def points(name: str) -> list[tuple[int, float]]:
        return [(int(row["step"]), float(row[name])) for row in rows if row[name] != "nan"]

    lost = points("loss")
    highest = max((y for _, y in lost), default=1.0)
    panels = [
        Panel("loss (nats)", [Curve("training", lost)], 0.0, max(highest, 1.0)),
        Panel(
            "acceptance",
            [Curve("all", points("acceptance")), Curve("middles", points("acceptance_middle"))],
            0.0,
            1.0,
        ),
    ]
    write_png(folder / PNG, panels, "step", max(1, int(rows[-1]["step"])))


def _loss(model: ExitModel, frozen: Frozen, held_out: Sequence[traces.Trace]) -> float:
    """Nats by which the target's own tokens surprise, where they are words."""
    lost = count = 0.0
    place = {int(token): word for word, token in enumerate(listed(frozen.start.vocabulary))}
    with torch.no_grad():
        for trace in held_out:
            chances = model(trace.shallow[None])[0].log_softmax(dim=-1)
            for row, token in enumerate(listed(trace.greedy)):
                if trace.weights[row] >= 1 and token in place:
                    lost, count = lost - float(chances[row, place[token]]), count + 1
    return lost / max(count, 1)


def _write(job: Job, adapter: Adapter, card: DraftCard) -> None:
    """Write the draft beside ``out`` and put it there in one step."""
    refuse_taken(job.out)
    part = job.out.with_name(f".{job.out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_adapter(part / ADAPTER, adapter)
    shutil.copy(job.folder / kangaroo.CURVE, part / CSV)
    draw(job.folder)
    shutil.copy(job.folder / PNG, part / PNG)
    write_card(part, card)
    part.replace(job.out)
