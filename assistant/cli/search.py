"""``splice search``: find pieces of a repository by words or code."""

import dataclasses
import json
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from assistant.cli.index import FolderArgument
from assistant.cli.options import ConfigOption
from assistant.cli.sentences import say, sentences
from assistant.embedding import choose
from assistant.settings import load_settings
from retrieval.errors import IndexBusy
from retrieval.records import Snippet

_SHOWN_LINES = 8
_FEW = 20
"""Changed files whose pieces are embedded before searching; of more, `splice index` takes care."""


@sentences
def search(
    query: str = typer.Argument(help="Words, names or code."),
    path: Path = FolderArgument,
    *,
    as_json: bool = typer.Option(False, "--json", help="Print the results as JSON."),
    k: int = typer.Option(5, "-k", "--count", min=1, max=100, help="How many results."),
    config: Path | None = ConfigOption,
) -> None:
    """Search a repository; what has changed since it was indexed is read first."""
    from retrieval.index import RepositoryIndex
    from retrieval.opening import open_embedder

    chosen = choose(load_settings(config=config))
    index = RepositoryIndex(path, chosen.config, open_embedder(chosen.config, make=False))
    try:
        if index.refresh().read <= _FEW:
            index.embed()
    except IndexBusy as busy:
        say(f"splice: {busy}")
    found = index.search(query, k)
    index.close()
    if as_json:
        typer.echo(
            json.dumps({"root": str(index.root), "results": [_fields(each) for each in found]}, indent=2)
        )
    elif not found:
        say("Nothing was found.")
    else:
        _print(found)


def _fields(snippet: Snippet) -> dict[str, object]:
    fields = dataclasses.asdict(snippet)
    start, end = fields.pop("lines")
    return {**fields, "start": start, "end": end}


def _print(found: list[Snippet]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for snippet in found:
        console.print(heading(snippet))
        console.print("\n".join(snippet.text.split("\n")[:_SHOWN_LINES]), markup=False)
        console.print()


def heading(snippet: Snippet) -> Text:
    """Path, first line (from 1), name, score and its parts."""
    parts = " + ".join(f"{name} {part:.4f}" for name, part in snippet.parts.items())
    line = Text.assemble((f"{snippet.path}:{snippet.lines.start + 1}", "bold"), f"  {snippet.name}".rstrip())
    return line.append(f"  {snippet.score:.4f} = {parts}", "dim")
