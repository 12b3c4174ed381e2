"""Where the server listens."""

import asyncio
import socket

import pytest

from assistant.errors import BadSetting, PortInUse
from assistant.web.listener import is_loopback, listen, serve


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


def test_a_free_port_is_chosen():
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as two:
        assert 0 < one.getsockname()[1] != two.getsockname()[1]


def test_a_port_in_use_says_what_to_do():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"listens on port {port}.*--port 0"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "256.1.1.1"])
def test_a_host_that_is_not_ours(host):
    with pytest.raises(BadSetting, match=r"server\.host"):
        listen(host, 0)


async def test_serving_ends_when_told_and_frees_the_port():
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    stopping = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        task = asyncio.ensure_future(serve(app, listener, max_frame_bytes=1000, stopping=stopping))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        stopping.set()
        await asyncio.wait_for(task, 2)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
