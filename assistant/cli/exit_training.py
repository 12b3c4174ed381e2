"""What ``splice drafts train exit`` does between its options and ``drafts.train``."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from assistant.cli.sentences import INTERRUPTED, say
from assistant.cli.training import (
    CommonWishes,
    as_json_of,
    has_gpu,
    interruptible,
    job_of,
    shown,
    stopped_sentence,
    tokens_of,
)
from assistant.settings import load_settings
from completion.config import EngineConfig
from completion.registry import ModelLocation, locate

if TYPE_CHECKING:
    from completion.exit_target import ExitTarget
    from drafts.train.exit_run import ExitRecipe


@dataclass(frozen=True, kw_only=True)
class ExitWishes(CommonWishes):
    """The options of the command."""

    samples: int


def run_exit(wishes: ExitWishes, *, as_json: bool) -> None:
    """Train what is wished for and tell of it. Raises an error of ours with its sentence."""
    engine = load_settings({"engine.device": wishes.device}, config=wishes.config).engine
    found = locate(wishes.target or engine.model, models_dir=engine.models_dir, has_gpu=has_gpu(engine))
    from drafts.train.exit_run import train_exit
    from drafts.train.progress import Watch

    codec, fim = tokens_of(found.directory)
    recipe = recipe_of(wishes)
    recipe.check()
    job = job_of(wishes, found, engine.device)
    target = target_of(found, engine)
    with interruptible() as stopped, shown() as tell:
        outcome = train_exit(recipe, job, codec, fim, target=target, watch=Watch(tell, stopped))
    if outcome.directory is None:
        say(stopped_sentence(outcome, wishes.steps))
        raise typer.Exit(INTERRUPTED)
    if as_json:
        typer.echo(as_json_of(outcome, (wishes.layers,)))
        return
    (measured,) = outcome.measured
    blocks = ", ".join(f"{block:.2f}" for block in measured.block_efficiency)
    typer.echo(
        f"The adapter of {outcome.parameters / 1e6:,.1f} million parameters is in {outcome.directory}\n"
        f"  behind layer {wishes.layers}: acceptance {measured.acceptance:.1%}, output tokens a pass of the "
        f"target {blocks}"
    )


def recipe_of(wishes: ExitWishes) -> "ExitRecipe":
    """The recipe for these options."""
    from drafts.train.exit_run import ExitRecipe

    return ExitRecipe(
        steps=wishes.steps,
        layers=wishes.layers,
        words=wishes.words,
        rows=wishes.batch,
        length=wishes.length,
        samples=wishes.samples,
        held_out=min(64, wishes.samples),
        rate=wishes.rate,
        seed=wishes.seed,
    )


def target_of(found: ModelLocation, engine: EngineConfig) -> "ExitTarget":
    """The target in the CPU's kernels, wherever the adapter is trained.

    Raises BadRecipe for a model that the kernels do not run.
    """
    from completion.cpu.passes import CpuPass
    from completion.exit_target import ExitTarget
    from completion.loading import load_model
    from completion.threads import use_threads
    from drafts.errors import BadRecipe

    use_threads(engine.threads)
    loaded = load_model(found.name, found.directory, replace(engine, device="cpu", weights="int8"))
    if not isinstance(loaded.forward.passes, CpuPass):
        raise BadRecipe(f"An exit cannot be trained for {found.name}: the kernels do not run its layers.")
    return ExitTarget(loaded.forward.passes, loaded.shape, name=found.name)
