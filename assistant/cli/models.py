"""``splice models``: list, pull, path and remove the models on this machine."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from assistant.cli.options import ConfigOption
from assistant.cli.sentences import say, sentences
from assistant.embedding import embedders
from assistant.settings import load_settings
from completion.config import EngineConfig
from completion.embedders import locate_embedder, obtain_embedder
from completion.progress import OnProgress
from completion.progress import Progress as Step
from completion.registry import ModelEntry, list_models, locate, models_folder, obtain
from completion.registry import remove as remove_model

models_app = typer.Typer(no_args_is_help=True, help="List, pull and remove models.")

NameArgument = typer.Argument(help="A name of the list, a directory, a .gguf file or a hub id.")
_GPU = Path("/dev/nvidiactl")
_MEGABYTE = 1_000_000


@models_app.command("list")
@sentences
def list_command(
    as_json: bool = typer.Option(False, "--json", help="Print the list as JSON."),
    config: Path | None = ConfigOption,
) -> None:
    """Show the models known by name, and whatever else was pulled."""
    folder = models_folder(load_settings(config=config).engine.models_dir)
    entries = list_models(models_dir=folder)
    if as_json:
        models = [asdict(entry) for entry in entries]
        typer.echo(json.dumps({"folder": str(folder), "models": models}, indent=2))
    else:
        Console(soft_wrap=True).print(_table(entries))


@models_app.command()
@sentences
def pull(
    name: str | None = typer.Argument(None, help="As in the list; without it, this machine's default."),
    config: Path | None = ConfigOption,
) -> None:
    """Download a model, check it and convert it. A download that was cut off goes on where it stood."""
    settings = load_settings(config=config)
    engine = settings.engine
    with shown() as progress:
        if name is not None and name in embedders(settings):
            found = obtain_embedder(name, models_dir=engine.models_dir, progress=progress)
        else:
            found = obtain(
                name or engine.model,
                models_dir=engine.models_dir,
                has_gpu=_has_gpu(engine),
                progress=progress,
            )
    typer.echo(f"{found.name} is ready in {found.directory}")


@models_app.command()
@sentences
def path(name: str = NameArgument, config: Path | None = ConfigOption) -> None:
    """Print the directory of an installed model."""
    settings = load_settings(config=config)
    engine = settings.engine
    if name in embedders(settings):
        typer.echo(locate_embedder(name, models_dir=engine.models_dir).directory)
    else:
        typer.echo(locate(name, models_dir=engine.models_dir, has_gpu=_has_gpu(engine)).directory)


@models_app.command()
@sentences
def remove(name: str = NameArgument, config: Path | None = ConfigOption) -> None:
    """Delete a model and whatever was downloaded for it."""
    freed = remove_model(name, models_dir=load_settings(config=config).engine.models_dir)
    if freed:
        typer.echo(f"Removed {name}: {_megabytes(freed)} freed.")
    else:
        typer.echo(f"There was nothing to remove for {name}.")


def _has_gpu(engine: EngineConfig) -> bool:
    """Whether the default is the model for a GPU, without importing torch to find out."""
    return _GPU.exists() if engine.device == "auto" else engine.device == "cuda"


def _table(entries: list[ModelEntry]) -> Table:
    table = Table("NAME", "STATE", "SIZE", "ABOUT", box=None, pad_edge=False, header_style="bold")
    for entry in entries:
        state, style = _state(entry)
        table.add_row(entry.name, f"[{style}]{state}[/]", _megabytes(entry.size), entry.description)
    return table


def _state(entry: ModelEntry) -> tuple[str, str]:
    if entry.damaged:
        return "damaged: pull it again", "red"
    return ("installed", "green") if entry.installed else ("not installed", "dim")


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.0f} MB"


@contextmanager
def shown() -> Generator[OnProgress]:
    """Show progress as bars on a terminal, as one line a stage elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _one_line_each()
        return
    columns = (
        TextColumn("{task.description:<32}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:
        yield _one_bar_each(bars)


def _one_line_each() -> OnProgress:
    told: set[str] = set()

    def tell(step: Step) -> None:
        if step.detail not in told:
            told.add(step.detail)
            say(f"{step.detail} …")

    return tell


def _one_bar_each(bars: Progress) -> OnProgress:
    tasks: dict[str, TaskID] = {}

    def tell(step: Step) -> None:
        if step.detail not in tasks:
            for task in [task for task in bars.tasks if task.total is None]:
                bars.remove_task(task.id)  # an endless bar ends where the next begins
            tasks[step.detail] = bars.add_task(step.detail, total=None)
        bars.update(tasks[step.detail], completed=step.done, total=step.total or None)

    return tell
