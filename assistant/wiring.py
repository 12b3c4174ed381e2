"""Puts the process together and runs it until it is told to stop."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.metadata import version

from assistant.embedding import choose
from assistant.errors import BadSetting, PublicHostWithoutToken
from assistant.lsp.documents import Limits
from assistant.presence import ServerRecord, claim, publish
from assistant.settings import ServerConfig, Settings
from assistant.web.access import Access, LoginCodes, new_token, own_names
from assistant.web.app import WebParts, build_app
from assistant.web.listener import is_loopback, listen, serve
from assistant.web.stats import Stats
from assistant.workspaces import Workspaces
from completion.errors import ModelError
from completion.service import CompletionService
from retrieval.config import RetrievalConfig
from retrieval.embed import Embedder
from retrieval.opening import AUTO, NONE
from retrieval.opening import open_embedder as open_default
from ui import WEB_DIST

_log = logging.getLogger(__name__)
_LEAST_TOKEN = 16
_SIGNALS = signal.SIGINT, signal.SIGTERM

OnReady = Callable[[str, str], None]
"""Called with the server's address and the one-time login link as soon as it listens."""


async def run_server(settings: Settings, *, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM, or until the task is cancelled. Prints nothing.

    The model loads while the server listens already. Raises ``StartError`` or ``SettingsError`` before
    ``on_ready`` was called. Nothing is left behind: no file, no thread, no socket.
    """
    config = settings.server
    _require_safe(config)
    with (
        claim(config.state_dir),
        listen(config.host, config.port) as listener,
        _stop_on_signals() as stopping,
    ):
        async with _service(settings) as service, _workspaces(settings) as workspaces:
            port = listener.getsockname()[1]
            parts = make_parts(settings, service, port=port, workspaces=workspaces)
            app = build_app(parts)
            url = base_url(config.host, listener.getsockname()[1])
            record = ServerRecord(url, os.getpid(), version("splice-assistant"))
            publish(config.state_dir, record, token=parts.access.token)
            on_ready(url, f"{url}/login?code={parts.codes.issue()}")
            await serve(app, listener, max_frame_bytes=config.max_frame_bytes, stopping=stopping)


def make_parts(
    settings: Settings, service: CompletionService, *, port: int, workspaces: Workspaces | None = None
) -> WebParts:
    """What the web application is made of, for a server that listens on ``port``."""
    config = settings.server
    hosts, origins = own_names(config.host, port)
    return WebParts(
        source=service,
        config=config,
        access=Access(hosts, origins, config.token or new_token()),
        codes=LoginCodes(seconds=config.login_code_s, clock=time.monotonic),
        stats=Stats(),
        limits=Limits(
            max_documents=config.max_documents,
            max_document_chars=settings.completion.max_document_chars,
            max_pending=config.max_pending,
            max_frame_bytes=config.max_frame_bytes,
        ),
        playground=WEB_DIST,
        workspaces=workspaces,
    )


def choose_embedder(settings: Settings) -> RetrievalConfig:
    """The settings of the index, its embedder a directory; ``none`` where it cannot be had.

    That is a warning when the settings name one; the default, which nobody asked for, may be missing.
    """
    try:
        chosen = choose(settings)
    except ModelError as error:
        _log.warning("Searching by words and symbols only: %s", error)
        return replace(settings.retrieval, embedder=NONE)
    if chosen.why_not:
        level = logging.INFO if settings.retrieval.embedder == AUTO else logging.WARNING
        _log.log(level, "Searching by words and symbols only: %s", chosen.why_not)
    return chosen.config


def open_embedder(config: RetrievalConfig) -> Embedder | None:
    """What queries and a few saved files are embedded with.

    None: words and symbols only, or a process of its own has yet to make what it takes.
    """
    return open_default(config, make=False)


def base_url(host: str, port: int) -> str:
    """The address to open: a server on every interface is opened by the loopback."""
    name = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared with, not bound to
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _require_safe(config: ServerConfig) -> None:
    if config.token is not None and len(config.token) < _LEAST_TOKEN:
        raise BadSetting(f"`server.token` is too short; {_LEAST_TOKEN} characters are the least.")
    if config.token is None and not is_loopback(config.host):
        raise PublicHostWithoutToken(
            f"{config.host} can be reached by others. Choose a token with --token, or stay on 127.0.0.1."
        )


@asynccontextmanager
async def _service(settings: Settings) -> AsyncGenerator[CompletionService]:
    service = CompletionService(settings.engine, settings.completion, settings.drafts)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def _workspaces(settings: Settings) -> AsyncGenerator[Workspaces]:
    config = await asyncio.to_thread(choose_embedder, settings)
    workspaces = Workspaces(config, lambda: open_embedder(config))
    try:
        yield workspaces
    finally:
        await workspaces.close()


@contextmanager
def _stop_on_signals() -> Generator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; on leaving, the signals do what they did before.

    Outside the main thread there are no signals; whoever runs the loop there cancels the task.
    """
    stopping = asyncio.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = [(number, signal.getsignal(number)) for number in _SIGNALS]
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number, handler in before:
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, handler)
