"""A running server: the whole product around the tiny model, or around a scripted service."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from assistant.settings import ServerConfig, Settings
from assistant.web.app import build_app
from assistant.web.listener import listen, serve
from assistant.wiring import make_parts, run_server
from completion.config import CompletionConfig, EngineConfig
from tests.fakes import ScriptedSource


@dataclass
class Running:
    url: str
    login_url: str
    token: str
    task: asyncio.Task[None]
    settings: Settings

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def settings_for(state_dir: Path, model: Path | None = None, **server: object) -> Settings:
    engine = EngineConfig(model=str(model), weights="float32", device="cpu", threads=1, prefill_chunk=16)
    return Settings(
        engine, CompletionConfig(max_tokens=24), replace(ServerConfig(port=0, state_dir=state_dir), **server)
    )


def with_dynamic_angles(model: Path, directory: Path) -> Path:
    """A copy of ``model`` whose rotary angles change with the length, so that no cached key can be moved."""
    shutil.copytree(model, directory)
    config = json.loads((directory / "config.json").read_text())
    angles = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}
    (directory / "config.json").write_text(json.dumps(config | {"rope_parameters": angles}))
    return directory


@contextlib.asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[Running]:
    """``run_server`` in this loop, until the block is left."""
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(run_server(settings, on_ready=lambda *urls: ready.set_result(urls)))
    await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    url, login_url = ready.result()
    token = (settings.server.state_dir / "token").read_text().strip()
    try:
        yield Running(url, login_url, token, task, settings)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def product(tmp_path: Path, tiny_model_dir: Path) -> AsyncIterator[Running]:
    """The product around the tiny model."""
    async with running_server(settings_for(tmp_path / "state", tiny_model_dir)) as running:
        yield running


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource()


@pytest.fixture
def scripted_server(
    tmp_path: Path, source: ScriptedSource
) -> Callable[..., contextlib.AbstractAsyncContextManager[Running]]:
    """A server around ``source``; its keywords are fields of ``ServerConfig``."""

    @contextlib.asynccontextmanager
    async def start(**server: object) -> AsyncIterator[Running]:
        settings = settings_for(tmp_path / "state", **server)
        stopping = asyncio.Event()
        with listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            parts = make_parts(settings, source, port=port)
            app = build_app(parts)
            size = settings.server.max_frame_bytes
            task = asyncio.ensure_future(serve(app, listener, max_frame_bytes=size, stopping=stopping))
            url = f"http://127.0.0.1:{port}"
            login_url = f"{url}/login?code={parts.codes.issue()}"
            yield Running(url, login_url, parts.access.token, task, settings)
            stopping.set()
            await task

    return start


@pytest.fixture
async def scripted(scripted_server) -> AsyncIterator[Running]:
    async with scripted_server() as running:
        yield running
