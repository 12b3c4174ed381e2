"""``splice summarize``: what a function, a class, a file or a repository is for."""

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from platformdirs import user_cache_path

from assistant.cli.errors import BadFile, BadPlace
from assistant.cli.options import ConfigOption, DeviceOption, ModelOption
from assistant.cli.sentences import say, sentences
from assistant.settings import Settings, load_settings

if TYPE_CHECKING:
    from completion.summaries.cache import Summary
    from completion.summaries.levels import Subject
    from completion.summaries.subjects import Source

LEVELS = ("function", "class", "file", "repository")


@dataclass(frozen=True)
class Wanted:
    """A file or a folder, and a symbol of the file or nothing."""

    path: Path
    symbol: str = ""


def parse_wanted(argument: str) -> Wanted:
    """Reads ``PATH[:SYMBOL]``; a path that is there is taken whole. Raises BadFile."""
    path, colon, symbol = argument.rpartition(":")
    if Path(argument).exists():
        return Wanted(Path(argument))
    if colon and symbol and Path(path).is_file():
        return Wanted(Path(path), symbol)
    raise BadFile(f"{argument} is neither a file or folder, nor PATH:SYMBOL with a file that is there.")


@sentences
def summarize(
    wanted: str = typer.Argument(
        metavar="PATH[:SYMBOL]",
        help="A file, a folder, or a function or class of a file, like `shop.py:Cart.add`.",
        show_default=False,
    ),
    *,
    level: str | None = typer.Option(
        None, help="function, class, file or repository; default: what is named.", show_default=False
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

    Loads the model for this one summary. Nothing is written unless --apply is given.
    """
    settings = load_settings({"engine.model": model, "engine.device": device}, config=config)
    where = parse_wanted(wanted)
    if apply and not write_docstrings:
        raise BadPlace("--apply changes a file by --write-docstrings only; give both.")
    if write_docstrings:
        typer.echo(_docstrings(settings, where, apply=apply), nl=False)
        return
    subject, sources = _subject(where, level)
    made = asyncio.run(_summaries(settings, [subject], sources))[0]
    typer.echo(_as_json(where, made) if as_json else made.text)


def _as_json(wanted: Wanted, made: "Summary") -> str:
    found = {"path": str(wanted.path), "level": made.level, "name": made.name}
    return json.dumps({**found, "text": made.text, "model": made.model, "digest": made.digest}, indent=2)


def _subject(wanted: Wanted, level: str | None) -> "tuple[Subject, list[Source]]":
    """What is to be summarised, and the files whose docstrings set the tone. Raises BadPlace, BadFile."""
    from completion.summaries import subjects
    from completion.summaries.files import read_repository
    from retrieval.syntax import SyntaxReader

    if level not in {None, *LEVELS}:
        raise BadPlace(f"There is no level `{level}`; the levels are {', '.join(LEVELS)}.")
    if wanted.path.is_dir():
        _require(level, ("repository",), wanted.path)
        sources = read_repository(wanted.path, SyntaxReader())
        if not sources:
            raise BadFile(f"{wanted.path} holds no code that can be read.")
        return subjects.repository(sources, None, name=wanted.path.resolve().name or "repository"), sources
    source = _source(wanted.path)
    if not wanted.symbol:
        _require(level, ("file",), wanted.path)
        return subjects.file(source, None), [source]
    definition = subjects.find(source.outline, wanted.symbol)
    if definition is None:
        raise BadPlace(f"{wanted.path} defines no single `{wanted.symbol}`; give its qualified name.")
    subject = subjects.symbol(source, definition, None)
    _require(level, (subject.level.value,), wanted.symbol)
    return subject, [source]


def _require(level: str | None, fitting: tuple[str, ...], what: object) -> None:
    if level is not None and level not in fitting:
        raise BadPlace(f"{what} has a summary of level {fitting[0]}, not {level}.")


def _source(path: Path) -> "Source":
    from completion.summaries.files import read_source
    from retrieval.errors import RetrievalError
    from retrieval.syntax import SyntaxReader

    try:
        return read_source(path.absolute().parent, path.name, SyntaxReader())
    except RetrievalError as error:
        raise BadFile(str(error)) from error


def _docstrings(settings: Settings, wanted: Wanted, *, apply: bool) -> str:
    """The diff; with ``apply`` the file is changed too. Raises BadFile."""
    from completion.summaries import docstrings, subjects

    if wanted.path.suffix != ".py" or wanted.path.is_dir():
        raise BadFile(f"Docstrings are proposed for a Python file; {wanted.path} is none.")
    source = _source(wanted.path)
    try:
        places = docstrings.places(source.text)
    except SyntaxError as error:
        raise BadFile(f"{wanted.path} has a syntax error in line {error.lineno}.") from error
    named = {place.qualified for place in places if wanted.symbol in {"", place.qualified}}
    found = [each for each in source.outline.definitions if each.qualified in named]
    if not found:
        return ""
    work = [subjects.symbol(source, each, None) for each in found]
    said = {made.name: made.text for made in asyncio.run(_summaries(settings, work, [source]))}
    after = docstrings.with_docstrings(source.text, said)
    if apply:
        _replace(wanted.path, source.text, after)
    return docstrings.as_diff(wanted.path.name, source.text, after)


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


async def _summaries(
    settings: Settings, subjects: "list[Subject]", sources: "list[Source]"
) -> "list[Summary]":
    """The summary of each subject, with the model loaded for them. Raises CompletionError, CacheError."""
    from completion.service import CompletionService
    from completion.summaries.cache import SummaryCache
    from completion.summaries.subjects import examples_of
    from completion.summaries.summarizer import Summarizer
    from completion.worker import Priority

    say("The model is loaded for this one command.")
    service = CompletionService(settings.engine, settings.completion, settings.drafts)
    await service.start()
    try:
        await service.ready()
        status = service.status()
        cache = SummaryCache(user_cache_path("splice", appauthor=False) / "summaries")
        writer = Summarizer(f"{status.model} {status.weights}", cache, examples=examples_of(sources))
        return [await service.run(partial(writer.summarize, each), Priority.SUMMARY) for each in subjects]
    finally:
        await service.stop()
