"""``splice serve``: the server, in the foreground."""

import asyncio
import importlib
import logging
import os
import signal
import sys
import time
from pathlib import Path

import typer

from assistant.cli.errors import BadFile
from assistant.cli.options import ConfigOption, DeviceOption, ModelOption
from assistant.cli.running import RunningServer, find_server, status
from assistant.cli.sentences import INTERRUPTED, sentences
from assistant.cli.steps import Steps
from assistant.settings import Settings, load_settings

LOADING_POLL_S = 0.2
IDLE_POLL_S = 5.0
NO_LINK = "`splice doctor` prints a login link."
FAILED_IDLE_S = 5.0
"""A server without a model waits this long at most: for the editor that is just connecting."""


@sentences
def serve(  # noqa: PLR0913 - each is an option of the command
    *,
    host: str | None = typer.Option(
        None, help="The address to listen on; a public one needs a token.", show_default=False
    ),
    port: int | None = typer.Option(
        None, min=0, max=65_535, help="The port; 0 takes any free one.", show_default=False
    ),
    token: str | None = typer.Option(
        None, help="A token of your own; other users may see it in the process list.", show_default=False
    ),
    token_file: Path | None = typer.Option(None, help="Read the token from this file.", show_default=False),
    model: str | None = ModelOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
    idle_exit: float | None = typer.Option(
        None, min=0.1, help="Stop after this many seconds without a client.", show_default=False
    ),
    no_link: bool = typer.Option(
        False, "--no-link", help="Do not print the login link, where the output is kept in a file."
    ),
) -> None:
    """Run the server: the playground, and LSP for editors.

    Prints a login link that is good once. Ctrl-C stops it.
    """
    overrides = {
        "server.host": host,
        "server.port": port,
        "server.token": read_token(token_file) if token_file else token,
        "engine.model": model,
        "engine.device": device,
    }
    settings = load_settings(overrides, config=config)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _require_engine(settings)
    asyncio.run(_serve(settings, idle_exit, show_link=not no_link))
    _leave()


def read_token(path: Path) -> str:
    """The token in ``path``, without the line end. Raises BadFile."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"The token file {path} cannot be read: {error}.") from error


def _require_engine(settings: Settings) -> None:
    """Import what takes seconds while Ctrl-C still ends an import at once, which it does not in a loop.

    Raises UnsupportedModel when a device is asked for that is not there: no model would ever load.
    """
    importlib.import_module("assistant.wiring")
    from completion.loading import choose_device

    choose_device(settings.engine.device)


def _leave() -> None:
    """Ends the process now: files and sockets are gone already.

    The engine thread may be inside a step of torch that nobody can interrupt; taking the interpreter down
    under it would wait for it, or crash.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(settings: Settings, idle_exit_s: float | None, *, show_link: bool) -> None:
    """Runs the server as a task that Ctrl-C cancels."""
    from assistant.wiring import run_server

    loop = asyncio.get_running_loop()
    watches: list[asyncio.Task[None]] = []

    def on_ready(url: str, link: str) -> None:
        _install_interrupt(loop, running)
        _tell(f"Splice listens on {url}", f"Playground: {link if show_link else NO_LINK}")
        watches.append(loop.create_task(_watch(settings, idle_exit_s, running)))

    running = asyncio.ensure_future(run_server(settings, on_ready=on_ready))
    await asyncio.wait({running})
    for watch in watches:
        watch.cancel()
    if not running.cancelled():
        running.result()


def _install_interrupt(loop: asyncio.AbstractEventLoop, running: asyncio.Future[None]) -> None:
    """The first Ctrl-C stops in good order, the second at once."""

    def interrupt() -> None:
        if not running.cancel() or stopping.is_set():
            os._exit(INTERRUPTED)
        logging.disable(logging.WARNING)  # An engine that is cut off in a step says so; it is what was asked.
        stopping.set()

    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupt)


async def _watch(settings: Settings, idle_exit_s: float | None, running: asyncio.Future[None]) -> None:
    """Tells when the model is ready, then ends the server when nobody has used it for long enough."""
    server = find_server(settings.server.state_dir)
    if server is None:
        return
    is_ready = await _tell_when_loaded(server)
    if idle_exit_s is not None:
        await _until_idle(server, idle_exit_s if is_ready else min(idle_exit_s, FAILED_IDLE_S))
        _tell("Nobody is connected any more.")
        running.cancel()


async def _tell_when_loaded(server: RunningServer) -> bool:
    started = time.monotonic()
    now = await _loaded(server)
    if now["state"] == "failed":
        _tell(f"Completions do not work: {now.get('detail')}")
        return False
    kind = f"{now.get('model')} on {now.get('device')} ({now.get('weights')})"
    _tell(f"Ready after {time.monotonic() - started:.1f} s: {kind}. Ctrl-C stops.")
    return True


async def _loaded(server: RunningServer) -> dict[str, object]:
    """The server's status as soon as it has a model, or none; shows its steps meanwhile."""
    steps = Steps(sys.stdout)
    steps.show("The model is being loaded.")
    try:
        while True:
            now = await asyncio.to_thread(status, server) or {}
            if now.get("state") in {"ready", "unloaded", "failed"}:
                return now
            if detail := now.get("detail"):
                steps.show(str(detail))
            await asyncio.sleep(LOADING_POLL_S)
    finally:
        steps.end()


async def _until_idle(server: RunningServer, seconds: float) -> None:
    """Returns when ``seconds`` have passed since a client was last seen, and none is there now."""
    last_seen = time.monotonic()
    while True:
        now = await asyncio.to_thread(status, server)
        if now is None or now.get("connections"):
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > seconds:
            return
        await asyncio.sleep(min(IDLE_POLL_S, max(seconds / 4, LOADING_POLL_S)))


def _tell(*lines: str) -> None:
    for line in lines:
        typer.echo(line)
