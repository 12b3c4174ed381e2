"""``splice index``: read a repository, so that it can be searched; or check what was read."""

import dataclasses
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from assistant.cli.options import ConfigOption
from assistant.cli.sentences import say, sentences
from assistant.settings import Settings, load_settings

if TYPE_CHECKING:
    from retrieval.index import RepositoryIndex
    from retrieval.indexing import OnProgress, Report
    from retrieval.indexing import Progress as Step
    from retrieval.records import IndexStatus

FolderArgument = typer.Argument(Path(), help="The repository's folder.", show_default="this folder")
_STAGES = MappingProxyType(
    {
        "looking": "Looking",
        "reading": "Reading",
        "preparing": "Making token vectors",
        "embedding": "Embedding",
    }
)


@sentences
def index(
    path: Path = FolderArgument,
    *,
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
    no_embeddings: bool = typer.Option(False, "--no-embeddings", help="Words and symbols only."),
    check: bool = typer.Option(False, "--check", help="Compare the index with the files; change nothing."),
    config: Path | None = ConfigOption,
) -> None:
    """Index a repository. A run that was cut off goes on where it stood.

    With --check, ends with 1 when the index does not say what the files say.
    """
    from retrieval.index import RepositoryIndex

    settings = load_settings(config=config)
    opened = RepositoryIndex(path, settings.retrieval)
    if check:
        _check(opened, as_json=as_json)
        return
    with _shown() as progress:
        report = opened.refresh(progress)
    embedded = 0 if no_embeddings else _embed(opened, settings)
    status = opened.status()
    opened.close()
    _require_files(status)
    if as_json:
        told = dataclasses.asdict(status) | vars(report)
        more = {"left_out": dict(report.left_out), "vectors": embedded, "folder": str(opened.folder)}
        typer.echo(json.dumps({**told, **more}, indent=2))
    else:
        for line in sentences_of(report, status):
            typer.echo(line)


def _embed(opened: "RepositoryIndex", settings: Settings) -> int:
    """Fetch the embedding model if need be, and embed what is not embedded yet; how many pieces."""
    from assistant.cli.models import shown
    from assistant.embedding import choose
    from retrieval.indexing import Progress as Step
    from retrieval.opening import is_made, open_embedder

    with shown() as progress:
        chosen = choose(settings, progress)
    if chosen.why_not:
        say(f"splice: {chosen.why_not} Until then search goes by words and symbols.")
    elif chosen.name and not is_made(chosen.config):
        say(f"Making token vectors of {chosen.name}, once; this takes about a minute …")
    with _shown() as tell:
        made = open_embedder(chosen.config, on_made=lambda done, of: tell(Step("preparing", done, of)))
        if made is None:
            return 0
        opened.use(made)
        return opened.embed(tell)


def sentences_of(report: "Report", status: "IndexStatus") -> list[str]:
    """What a run did, for a person."""
    rate = f", {report.read / report.seconds:,.0f} files a second" if report.read and report.seconds else ""
    did = f"Read {report.read:,} files, dropped {report.dropped:,}, {report.unchanged:,} unchanged"
    has = f"Searchable: {status.files:,} files, {status.chunks:,} pieces, {status.definitions:,} definitions"
    lines = [
        f"{did} ({report.seconds:.1f} s{rate}).",
        f"{has}, {status.embedded:,} of the pieces by meaning.",
    ]
    if report.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.left_out.most_common())
        lines.append(f"Left out: {reasons}.")
    return lines


def _require_files(status: "IndexStatus") -> None:
    if status.files == 0:
        say(f"splice: {status.root} holds no file that is indexed.")


def _check(opened: "RepositoryIndex", *, as_json: bool) -> None:
    from retrieval.audit import audit

    wrong = audit(opened)
    opened.close()
    if as_json:
        typer.echo(json.dumps({"ok": not wrong, "wrong": wrong}, indent=2))
    else:
        for sentence in wrong or ["The index says what the files say."]:
            typer.echo(sentence)
    if wrong:
        raise typer.Exit(1)


class _Speed(ProgressColumn):
    """Files or pieces a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def _shown() -> Generator["OnProgress"]:
    """Progress as a bar on a terminal; elsewhere nothing, the report says it all."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(),
        _Speed(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(_STAGES["looking"], total=None)

        def show(step: "Step") -> None:
            bars.update(task, description=_STAGES[step.stage], completed=step.done, total=step.total or None)

        yield show
