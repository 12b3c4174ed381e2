"""A whole training run: files in, a draft out; it may be stopped at any time and gone on with.

What is half done lies beside the result, in ``OUT.training``: the options (``run.json``), the vocabulary,
what the target completed, the newest checkpoint, the curves so far, and ``skipped.csv``, which says of
every file that was left out why.
"""

import csv
import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock, Timeout

from drafts.card import DraftCard, Measured
from drafts.errors import BadRecipe, NoCorpus, OtherRun
from drafts.train.batches import Codec
from drafts.train.checkpoint import POINTER, write_json
from drafts.train.corpus import Corpus, Rules, Skipped, collect
from drafts.train.course import Course
from drafts.train.exits import check_exits
from drafts.train.materials import Materials
from drafts.train.output import refuse_taken, write_draft
from drafts.train.progress import Interrupted, Watch
from drafts.train.recipe import Recipe
from drafts.train.samples import FimIds
from drafts.train.scaled import parameters, read_config, scaled
from drafts.vocabulary import fingerprint

_RUN = "run.json"
_SKIPPED = "skipped.csv"


@dataclass(frozen=True)
class Job:
    """What a draft is made from, for whom, and where it goes."""

    roots: tuple[Path, ...]
    target: str
    """The target's name."""
    target_dir: Path
    out: Path
    base_dir: Path | None = None
    """The model whose first layers the draft begins as, where the recipe says so."""
    rules: Rules = field(default_factory=Rules)
    device: str = "auto"
    """auto, cpu or cuda."""
    resume: bool = False
    """Go on where a run stood; without it, what was begun is an error."""

    @property
    def folder(self) -> Path:
        """Where the run is kept until it is done."""
        return self.out.with_name(self.out.name + ".training")


class Outcome(NamedTuple):
    """How a run ended: ``directory`` is None when it was stopped."""

    step: int
    directory: Path | None
    parameters: int = 0
    measured: tuple[Measured, ...] = ()
    """One for each exit."""


def train(recipe: Recipe, job: Job, codec: Codec, fim: FimIds, *, watch: Watch) -> Outcome:
    """Make a draft, or go on making it. Raises a TrainingError, before anything long begins where it can."""
    _check(recipe, job)
    with alone(job.folder):
        try:
            corpus = watch.follow("Reading files", collect(job.roots, job.rules))
            begin(recipe.as_json(), job, corpus)
            course = Course(_materials(recipe, job, codec, fim, corpus=corpus), watch)
            course.run()
        except Interrupted:
            return Outcome(_step(job.folder), None)
        outcome = _finish(course, recipe, job, fingerprint(codec))
    shutil.rmtree(job.folder, ignore_errors=True)
    return outcome


def _check(recipe: Recipe, job: Job) -> None:
    """Raise for what is wrong already now."""
    recipe.check()
    device_of(job.device)
    refuse_taken(job.out)
    check_exits(recipe.all_exits, recipe.size.layers)
    if recipe.from_layers != (job.base_dir is not None):
        raise BadRecipe("A draft that begins as a model's first layers needs that model, and no other does.")
    scaled(read_config(job.target_dir), recipe.size, recipe.words)
    check_job(job)


def check_job(job: Job) -> None:
    """Raise NoCorpus without folders to learn from, OtherRun where a run was begun and shall not go on."""
    missing = [root for root in job.roots if not root.is_dir()]
    if missing or not job.roots:
        raise NoCorpus(
            f"There is no folder {missing[0]}." if missing else "No folder of source files was named."
        )
    if (job.folder / _RUN).exists() and not job.resume:
        raise OtherRun(f"A run was begun in {job.folder}: go on with --resume, or delete it.")


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Keep other processes out of the folder. Raises BadRecipe when one is in it, or it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        raise BadRecipe(f"Another process works in {folder}.") from error
    except OSError as error:
        raise BadRecipe(f"{error.filename or folder} cannot be written ({error.strerror}).") from error


def begin(recipe: dict[str, Any], job: Job, corpus: Corpus) -> None:
    """Write down what the run is made of, or compare it with what was written down."""
    if not corpus.train or not corpus.held_out:
        raise NoCorpus(_too_little(corpus))
    made_of = {
        "recipe": recipe,
        "target": str(job.target_dir),
        "base": None if job.base_dir is None else str(job.base_dir),
        "files": corpus.digest,
    }
    path = job.folder / _RUN
    if path.exists():
        _compare(_read(path), made_of, job.folder)
        return
    _write_skipped(job.folder / _SKIPPED, corpus.skipped)
    write_json(path, made_of)


def _compare(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise OtherRun when the two differ, with the name of what does."""
    old: dict[str, Any] = {**before, **before["recipe"]}
    new: dict[str, Any] = {**now, **now["recipe"]}
    changed = [name for name in new if name != "recipe" and old.get(name) != new[name]]
    if changed:
        raise OtherRun(f"The run in {folder} was begun with other {', '.join(changed)}; it cannot go on so.")


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {**value, "recipe": dict(value["recipe"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OtherRun(f"{path} is damaged: delete the folder and begin anew, without --resume.") from error


def _too_little(corpus: Corpus) -> str:
    """A sentence with the reason that kept most files out."""
    reasons = [each.reason for each in corpus.skipped]
    most = max(set(reasons), key=reasons.count, default="")
    why = f"; of most others: {most}" if most else ""
    return f"The folders hold {len(corpus.train)} files that may be learnt from, and 2 are needed{why}."


def _write_skipped(path: Path, skipped: tuple[Skipped, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("path", "reason"), *skipped])


def _materials(recipe: Recipe, job: Job, codec: Codec, fim: FimIds, *, corpus: Corpus) -> Materials:
    return Materials(
        recipe, corpus, codec, fim,
        target_dir=job.target_dir, base_dir=job.base_dir, device=device_of(job.device), folder=job.folder,
    )  # fmt: skip


def device_of(wanted: str) -> torch.device:
    """The device to train on. Raises BadRecipe when CUDA is asked for and missing."""
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise BadRecipe("A CUDA device was asked for, but torch finds none here.")
    return torch.device("cuda" if has_cuda and wanted != "cpu" else "cpu")


def _step(folder: Path) -> int:
    """The step of the newest checkpoint, read off its name; 0 without one."""
    try:
        name = str(json.loads((folder / POINTER).read_text(encoding="utf-8"))["file"])
        return int(name.partition("-")[2].partition(".")[0])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _finish(course: Course, recipe: Recipe, job: Job, tokenizer: str) -> Outcome:
    card = DraftCard(
        kind=recipe.kind,
        target=job.target,
        tokenizer=tokenizer,
        exits=course.exits,
        steps=course.trainer.step,
        measured=course.ledger.measured,
    )
    model = course.trainer.model
    write_draft(job.out, model, vocabulary=course.vocabulary, card=card, rows=course.ledger.rows)
    return Outcome(course.trainer.step, job.out, parameters(model), course.ledger.measured)
