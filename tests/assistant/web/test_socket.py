"""A client that stops reading, exits or vanishes: bounded memory, and nobody else notices."""

import asyncio
import contextlib
import json
import socket as sockets

import httpx
import pytest
from uvicorn.protocols.utils import ClientDisconnected
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from assistant.web.socket import Outgoing
from tests.assistant.client import RpcError, connected
from tests.waiting import until


def outgoing(send, *, max_bytes: int = 100, timeout_s: float = 30.0) -> Outgoing:
    return Outgoing(send, max_bytes, timeout_s)


async def test_messages_leave_in_order_and_all_before_the_end():
    sent: list[str] = []

    async def send(text: str) -> None:
        await asyncio.sleep(0)
        sent.append(text)

    out = outgoing(send)
    for text in ("a", "b", "c"):
        out.write(text.encode())
    out.close()
    out.write(b"late")
    await out.run()
    assert sent == ["a", "b", "c"]
    assert not out.overflowed.is_set()


async def test_room_is_given_back_when_a_message_is_sent():
    async def send(_: str) -> None:
        pass

    out = outgoing(send, max_bytes=10)
    running = asyncio.ensure_future(out.run())
    for _ in range(10):
        out.write(b"x" * 9)
        await until(lambda: out._bytes == 0)
    assert not out.overflowed.is_set()
    out.close()
    await running


async def test_too_much_waiting_is_an_overflow():
    async def send(_: str) -> None:
        await asyncio.Event().wait()

    out = outgoing(send, max_bytes=10)
    running = asyncio.ensure_future(out.run())
    out.write(b"x" * 8)
    assert not out.overflowed.is_set()
    out.write(b"x" * 8)
    assert out.overflowed.is_set()
    assert len(out._waiting) == 0
    running.cancel()


async def test_one_message_that_takes_too_long_is_an_overflow():
    async def send(_: str) -> None:
        await asyncio.Event().wait()

    out = outgoing(send, timeout_s=0.01)
    out.write(b"x")
    await out.run()
    assert out.overflowed.is_set()


async def test_a_client_that_is_gone_ends_the_sending_and_is_no_overflow():
    async def send(_: str) -> None:
        raise ClientDisconnected

    out = outgoing(send)
    for text in ("a", "b"):
        out.write(text.encode())
    await out.run()
    out.write(b"late")
    assert len(out._waiting) == 0
    assert not out.overflowed.is_set()


@pytest.mark.parametrize("limits", [{"outgoing_bytes": 200_000}, {"send_timeout_s": 0.2}])
async def test_a_client_that_stops_reading_is_let_go(scripted_server, source, limits):
    async with (
        scripted_server(**limits) as running,
        connected(running.url, running.token) as other,
    ):
        await other.initialize()
        await other.open("good")
        deaf = sockets.create_connection(("127.0.0.1", running.port))
        deaf.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        headers = {"Authorization": f"Bearer {running.token}"}
        address = f"ws://127.0.0.1:{running.port}/lsp"
        client = await connect(address, sock=deaf, additional_headers=headers)
        client.transport.pause_reading()
        flooding = asyncio.ensure_future(flood(client))
        async with asyncio.timeout(30):
            while not await only_one_is_left(running):  # noqa: ASYNC110 - only /status tells
                await asyncio.sleep(0.01)
        flooding.cancel()
        client.transport.abort()
        with pytest.raises(RpcError, match="no method"):
            await other.request("still/there?")
        asked = await other.ask_inline(0, 4)
        await until(lambda: source.requests)
        source.answer("x")
        assert (await other.answer(asked))["items"]


async def flood(client: ClientConnection) -> None:
    """Ask and ask, each question answered with a thousand bytes, until the connection is gone."""
    question = json.dumps({"jsonrpc": "2.0", "id": "i" * 1000, "method": "x"})
    with contextlib.suppress(ConnectionClosed, OSError):
        while True:
            await client.send(question)


async def only_one_is_left(running) -> bool:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {running.token}"}) as http:
        return (await http.get(f"{running.url}/status")).json()["connections"] == 1
