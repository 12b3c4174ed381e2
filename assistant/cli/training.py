"""What ``splice drafts train`` does between its options and ``drafts.train``: names, progress, Ctrl-C."""

import json
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from assistant.cli.sentences import INTERRUPTED, say
from assistant.settings import load_settings
from completion.config import EngineConfig
from completion.errors import NoFimTokens
from completion.families import detect_family
from completion.registry import ModelLocation, locate

if TYPE_CHECKING:
    from completion.tokens import TextCodec
    from drafts.train.progress import OnProgress
    from drafts.train.progress import Progress as Step
    from drafts.train.recipe import Recipe
    from drafts.train.run import Job, Outcome
    from drafts.train.samples import FimIds

_GPU = Path("/dev/nvidiactl")
HELD_OUT = 64
"""Prompts a draft is measured with; no more than the target completes to train it."""
_LINES = 20
"""Lines a part is told in, where there is no terminal."""


@dataclass(frozen=True, kw_only=True)
class CommonWishes:
    """The options that every kind of draft has."""

    data: Sequence[Path]
    out: Path
    target: str | None
    steps: int
    resume: bool
    layers: int
    words: int
    batch: int
    length: int
    rate: float
    seed: int
    accept: Sequence[str]
    device: str | None
    config: Path | None


@dataclass(frozen=True, kw_only=True)
class Wishes(CommonWishes):
    """The options of a draft that is a model of its own."""

    kind: Literal["tiny", "nested"]
    width: int
    head: int
    prompts: int
    exits: Sequence[int] = ()
    base: str | None = None


def run(wishes: Wishes, *, as_json: bool) -> None:
    """Train what is wished for and tell of it. Raises an error of ours with its sentence."""
    engine = load_settings({"engine.device": wishes.device}, config=wishes.config).engine
    target = locate(wishes.target or engine.model, models_dir=engine.models_dir, has_gpu=has_gpu(engine))
    base = locate(wishes.base, models_dir=engine.models_dir, has_gpu=False).directory if wishes.base else None
    from drafts.train.progress import Watch
    from drafts.train.run import train
    from drafts.vocabulary import check_tokenizer, fingerprint

    codec, fim = tokens_of(target.directory)
    if base is not None:
        check_tokenizer(base.name, fingerprint(tokens_of(base)[0]), fingerprint(codec))
    recipe = recipe_of(wishes)
    job = job_of(wishes, target, engine.device, base=base)
    with interruptible() as stopped, shown() as tell:
        outcome = train(recipe, job, codec, fim, watch=Watch(tell, stopped))
    if outcome.directory is None:
        say(stopped_sentence(outcome, wishes.steps))
        raise typer.Exit(INTERRUPTED)
    typer.echo(as_json_of(outcome, recipe.all_exits) if as_json else finished_sentence(outcome, recipe))


def tokens_of(directory: Path) -> "tuple[TextCodec, FimIds]":
    """The tokenizer of a model and its markers. Raises NoFimTokens for a family that drafts do not know."""
    from completion.loading import open_tokenizer
    from completion.tokens import TextCodec
    from drafts.train.samples import FimIds

    codec = TextCodec(open_tokenizer(directory))
    family = detect_family(codec.special_tokens)
    if family.order != "psm":
        raise NoFimTokens(f"Drafts for {family.name} cannot be trained: its prompts begin with the suffix.")
    known = (codec.find(token) for token in family.stop if token not in family.markers)
    return codec, FimIds(
        prefix=codec.special(family.prefix),
        suffix=codec.special(family.suffix),
        middle=codec.special(family.middle),
        stops=tuple(token for token in known if token is not None),
        opening=() if family.bos is None else (codec.special(family.bos),),
    )


def recipe_of(wishes: Wishes) -> "Recipe":
    """The recipe for these options."""
    from drafts.train.loop import Pace
    from drafts.train.recipe import Recipe
    from drafts.train.scaled import Size

    return Recipe(
        kind=wishes.kind,
        pace=Pace(wishes.steps, rate=wishes.rate),
        size=Size(wishes.layers, wishes.width, wishes.head),
        exits=tuple(wishes.exits),
        words=wishes.words,
        rows=wishes.batch,
        length=wishes.length,
        most=min(48, wishes.length // 4),
        prompts=wishes.prompts,
        held_out_prompts=min(HELD_OUT, wishes.prompts) or HELD_OUT,
        seed=wishes.seed,
        from_layers=wishes.base is not None,
    )


def job_of(wishes: CommonWishes, target: ModelLocation, device: str, *, base: Path | None = None) -> "Job":
    """What is trained from, for which target, and where to. ``base``: the model that it begins as."""
    from drafts.train.corpus import Rules
    from drafts.train.licences import PERMISSIVE
    from drafts.train.run import Job

    return Job(
        roots=tuple(wishes.data),
        target=target.name,
        target_dir=target.directory,
        out=wishes.out.absolute(),
        base_dir=base,
        rules=Rules(allowed=PERMISSIVE | frozenset(wishes.accept), seed=wishes.seed),
        device=device,
        resume=wishes.resume,
    )


@contextmanager
def interruptible() -> "Generator[Callable[[], bool]]":
    """Let the first Ctrl-C be asked for instead of raised; the second ends the process as usual."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)
        say("Stopping behind this step; Ctrl-C again ends at once and loses what came since the last save.")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def shown() -> "Generator[OnProgress]":
    """Show progress as bars with steps and time left on a terminal, as some lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield some_lines()
        return
    columns = (
        TextColumn("{task.description:<22}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:
        yield one_bar_each(bars)


def one_bar_each(bars: Progress) -> "OnProgress":
    """Tells by a bar a part."""
    tasks: dict[str, TaskID] = {}

    def tell(step: "Step") -> None:
        if step.part not in tasks:
            tasks[step.part] = bars.add_task(step.part, total=None, note="")
        bars.update(tasks[step.part], completed=step.done, total=step.total or None, note=step.note)

    return tell


def some_lines() -> "OnProgress":
    """Tells by a line when a part begins, and by some more as it goes on."""
    told: set[tuple[str, int]] = set()

    def tell(step: "Step") -> None:
        mark = (step.part, step.done * _LINES // step.total if step.total else 0)
        if mark not in told:
            told.add(mark)
            count = f" {step.done:,} of {step.total:,}" if step.total else ""
            say(f"{step.part}{count} …{' ' * bool(step.note)}{step.note}")

    return tell


def stopped_sentence(outcome: "Outcome", steps: int) -> str:
    """What a person reads when the run was stopped."""
    return f"Stopped behind step {outcome.step:,} of {steps:,}; the same command with --resume goes on."


def finished_sentence(outcome: "Outcome", recipe: "Recipe") -> str:
    """What a person reads in the end."""
    lines = [f"The draft of {outcome.parameters / 1e6:,.1f} million parameters is in {outcome.directory}"]
    lines += [
        f"  layer {layer}: acceptance {each.acceptance:.1%}, output tokens a pass of the target "
        + ", ".join(f"{block:.2f}" for block in each.block_efficiency)
        for layer, each in zip(recipe.all_exits, outcome.measured, strict=True)
    ]
    return "\n".join(lines)


def as_json_of(outcome: "Outcome", layers: Sequence[int]) -> str:
    """The outcome of a run with exits behind ``layers``."""
    exits = [{"layer": layer, **asdict(each)} for layer, each in zip(layers, outcome.measured, strict=True)]
    found = {"directory": str(outcome.directory), "parameters": outcome.parameters, "steps": outcome.step}
    return json.dumps({**found, "exits": exits}, indent=2)


def has_gpu(engine: EngineConfig) -> bool:
    """Whether the default is the model for a GPU, without importing torch to find out."""
    return _GPU.exists() if engine.device == "auto" else engine.device == "cuda"
