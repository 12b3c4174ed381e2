"""``splice complete``: one completion for a place in a file."""

import asyncio
import json
from pathlib import Path

import typer

from assistant.cli.client import Answer, ask_server
from assistant.cli.options import ConfigOption, DeviceOption, ModelOption
from assistant.cli.place import Place, language_of, offset_of, parse_place, read_text
from assistant.cli.running import find_server, health
from assistant.cli.sentences import say, sentences
from assistant.settings import Settings, load_settings
from completion.config import Reuse


@sentences
def complete(
    place: str = typer.Argument(
        metavar="PATH:LINE:COLUMN",
        help="Where to complete. Lines and columns count from 1, columns in characters.",
        show_default=False,
    ),
    *,
    as_json: bool = typer.Option(False, "--json", help="Print the completion and what it cost as JSON."),
    reuse: str | None = typer.Option(
        None, "--reuse", help="How cached tokens may be used: auto, exact or recompute.", show_default=False
    ),
    model: str | None = ModelOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
) -> None:
    """Print the completion at one place of a file.

    Asks the running server; if there is none, or if --model or --device is given, loads the model first.
    """
    overrides = {"engine.model": model, "engine.device": device, "completion.reuse": reuse}
    settings = load_settings(overrides, config=config)
    wish = settings.completion.reuse if reuse else None
    where = parse_place(place)
    text = read_text(where.path, max_chars=settings.completion.max_document_chars)
    offset_of(text, where)
    server = None if model or device else find_server(settings.server.state_dir)
    if server is not None and health(server) is not None:
        answer = ask_server(server, where, text, reuse=wish)
    else:
        say("No server is running, so the model is loaded for this one completion.")
        answer = asyncio.run(_load_and_ask(settings, where, text, wish))
    typer.echo(_as_json(where, answer) if as_json else answer.text)


def _as_json(place: Place, answer: Answer) -> str:
    found = {"path": str(place.path), "line": place.line, "column": place.column}
    return json.dumps({**found, "text": answer.text, "trace": answer.trace}, indent=2)


async def _load_and_ask(settings: Settings, place: Place, text: str, reuse: Reuse | None) -> Answer:
    """The same completion without a server. Raises CompletionError."""
    from assistant.lsp.convert import trace_of
    from assistant.textform import inside_offset, line_end, to_inside, to_outside
    from completion.records import CompletionRequest, Trigger
    from completion.service import CompletionService

    service = CompletionService(settings.engine, settings.completion, settings.drafts)
    await service.start()
    try:
        await service.ready()
        request = CompletionRequest(
            text=to_inside(text),
            cursor=inside_offset(text, offset_of(text, place)),
            language=language_of(place.path),
            trigger=Trigger.INVOKED,
            reuse=reuse,
        )
        done = await service.complete(request)
    finally:
        await service.stop()
    return Answer(to_outside(done.text, line_end(text)), trace_of(done.trace))
