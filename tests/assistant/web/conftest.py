"""An HTTP client with the token, and what it reads of a stream."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.assistant.conftest import Running


@pytest.fixture
async def http(scripted: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the scripted server."""
    async with client_of(scripted) as client:
        yield client


def client_of(running: Running) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {running.token}"}
    return httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30.0)


async def events(answer: httpx.Response) -> AsyncIterator[Any]:
    """The events of a stream as they come, read as JSON where they are."""
    async for line in answer.aiter_lines():
        if line:
            name, _, data = line.partition(": ")
            assert name == "data"
            yield data if data == "[DONE]" else json.loads(data)
