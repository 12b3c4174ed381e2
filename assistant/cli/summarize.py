"""``splice summarize``: what a function, a class, a file or a repository is for."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from assistant.cli.errors import BadFile, BadPlace
from assistant.cli.options import ConfigOption, DeviceOption, ModelOption
from assistant.cli.running import RunningServer, find_server, health
from assistant.cli.sentences import say, sentences
from assistant.settings import Settings, load_settings

if TYPE_CHECKING:
    from completion.summaries.cache import Summary
    from completion.summaries.wanted import Wanted

LEVELS = ("function", "class", "file", "repository")
Show = Callable[[dict[str, Any]], None]
Ask = Callable[[list["Wanted"], Show], list["Summary"]]


@sentences
def summarize(
    wanted: str = typer.Argument(
        metavar="PATH[:SYMBOL]",
        help="A file, a folder, or a function or class of a file, like `shop.py:Cart.add`.",
        show_default=False,
    ),
    *,
    level: str | None = typer.Option(
        None,
        help="function, class, file or repository: what is named, or what is around it.",
        show_default=False,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the summary and what it was made of as JSON."),
    write_docstrings: bool = typer.Option(
        False, "--write-docstrings", help="Print a diff that gives a Python file's definitions docstrings."
    ),
    apply: bool = typer.Option(False, "--apply", help="With --write-docstrings: change the file as well."),
    model: str | None = ModelOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
) -> None:
    """Say what a function, a class, a file or a repository is for.

    Asks the running server; if there is none, or if --model or --device is given, loads the model first. On a
    terminal the text appears while it is written. Nothing is written to a file unless --apply is given.
    """
    settings = load_settings({"engine.model": model, "engine.device": device}, config=config)
    where = parse_wanted(wanted, level)
    if apply and not write_docstrings:
        raise BadPlace("--apply changes a file by --write-docstrings only; give both.")
    ask = _way_to_ask(settings, own=bool(model or device))
    if write_docstrings:
        typer.echo(_docstrings(where, ask, apply=apply), nl=False)
        return
    made = ask([where], _show_nothing)[0] if as_json else _streamed(where, ask)
    typer.echo(_as_json(where, made) if as_json else made.text)


def parse_wanted(argument: str, level: str | None) -> "Wanted":
    """Reads ``PATH[:SYMBOL]``; a path that is there is taken whole. Raises BadFile and BadPlace."""
    from assistant.repository import repository_of
    from completion.summaries.levels import Level
    from completion.summaries.wanted import Wanted

    if level not in {None, *LEVELS}:
        raise BadPlace(f"There is no level `{level}`; the levels are {', '.join(LEVELS)}.")
    named = Level(level) if level else None
    path, colon, symbol = argument.rpartition(":")
    if Path(argument).exists():
        path, symbol = argument, ""
    elif not (colon and symbol and Path(path).is_file()):
        raise BadFile(f"{argument} is neither a file or folder, nor PATH:SYMBOL with a file that is there.")
    file = Path(path).absolute()
    if file.is_dir():
        return Wanted(file.resolve(), level=named)
    root = repository_of(file)
    return Wanted(root, file.relative_to(root).as_posix(), symbol, named)


def _as_json(wanted: "Wanted", made: "Summary") -> str:
    told = {"root": str(wanted.root), "path": wanted.path, **msgspec.to_builtins(made)}
    return json.dumps(told, indent=2)


# Asking


def _way_to_ask(settings: Settings, *, own: bool) -> Ask:
    server = None if own else find_server(settings.server.state_dir)
    if server is not None and health(server) is not None:
        return lambda wanted, show: _ask_server(server, wanted, show)
    return lambda wanted, show: asyncio.run(_load_and_ask(settings, wanted, show))


def _ask_server(server: RunningServer, wanted: "list[Wanted]", show: Show) -> "list[Summary]":
    from assistant.cli.summary_client import ask_summary

    return [ask_summary(server, each, show) for each in wanted]


async def _load_and_ask(settings: Settings, wanted: "list[Wanted]", show: Show) -> "list[Summary]":
    """The same without a server. Raises CompletionError, CacheError and RetrievalError."""
    from assistant.around import own_index
    from assistant.summaries import Summaries, event_of, usual_cache
    from completion.service import CompletionService
    from completion.summaries.wanted import gather

    for each in wanted:  # what cannot be read is told before a model is loaded
        await asyncio.to_thread(gather, each, None)
    say("No server is running, so the model is loaded for this one command.")
    service = CompletionService(settings.engine, settings.completion, settings.drafts)
    await service.start()
    try:
        summaries = Summaries(service, usual_cache(), own_index(settings.retrieval))
        return [await summaries.summarize(each, lambda news: show(event_of(news))) for each in wanted]
    finally:
        await service.stop()


# Showing


def _show_nothing(_: dict[str, Any]) -> None:
    """Whoever reads JSON waits for the whole of it."""


def _streamed(wanted: "Wanted", ask: Ask) -> "Summary":
    """The text as it is written, on a terminal; it is gone from there when it is whole."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return ask([wanted], _show_nothing)[0]
    with Live(console=console, transient=True, auto_refresh=False, vertical_overflow="visible") as live:
        return ask([wanted], lambda event: live.update(line_of(event), refresh=True))[0]


def line_of(event: dict[str, Any]) -> Text:
    """What is shown of an event: the text so far, or which part is in the works."""
    if event.get("kind") == "text":
        return Text(str(event.get("text", "")))
    total = int(event.get("total", 1))
    number = f"{int(event.get('done', 0)) + 1} of {total}: " if total > 1 else ""
    return Text(f"{number}{event.get('name', '')} …", style="dim")


# Docstrings


def _docstrings(wanted: "Wanted", ask: Ask, *, apply: bool) -> str:
    """The diff; with ``apply`` the file is changed too. Raises BadFile."""
    from completion.summaries import docstrings
    from completion.summaries.files import read_source
    from retrieval.syntax import SyntaxReader

    file = wanted.root / wanted.path
    if file.suffix != ".py" or file.is_dir():
        raise BadFile(f"Docstrings are proposed for a Python file; {file} is none.")
    source = read_source(wanted.root, wanted.path, SyntaxReader())
    try:
        places = docstrings.places(source.text)
    except SyntaxError as error:
        raise BadFile(f"{file} has a syntax error in line {error.lineno}.") from error
    named = {place.qualified for place in places if wanted.symbol in {"", place.qualified}}
    found = [each.qualified for each in source.outline.definitions if each.qualified in named]
    if not found:
        return ""
    work = [_symbol(wanted, qualified) for qualified in found]
    said = {made.name: made.text for made in ask(work, _show_nothing)}
    after = docstrings.with_docstrings(source.text, said)
    if apply:
        _replace(file, source.text, after)
    return docstrings.as_diff(wanted.path, source.text, after)


def _symbol(wanted: "Wanted", qualified: str) -> "Wanted":
    from completion.summaries.wanted import Wanted

    return Wanted(wanted.root, wanted.path, qualified)


def _replace(path: Path, before: str, after: str) -> None:
    """Write ``after`` in one go, if the file still says ``before``. Raises BadFile."""
    raw = path.read_bytes()
    if raw != before.encode():
        raise BadFile(f"{path} is not plain UTF-8 with line feeds, or has changed; apply the diff by hand.")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(after.encode())
        part.chmod(path.stat().st_mode)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadFile(f"{path} cannot be written: {error.strerror}.") from error
