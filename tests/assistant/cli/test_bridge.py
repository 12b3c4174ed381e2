"""The bridge, between real pipes and a real websocket server."""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from assistant.cli.bridge import open_socket, pipe
from assistant.cli.errors import BridgeError, CommandError
from assistant.cli.framing import FrameDecoder, encode

TOKEN = "a-token"


@dataclass(frozen=True)
class Address:
    socket_url: str
    token: str = TOKEN


@contextmanager
def serving(handler: Callable[[ServerConnection], Awaitable[None]]) -> Iterator[Address]:
    """A websocket server in a thread of its own, as the real one is in a process of its own."""
    opened: Future[tuple[int, Callable[[], None]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(handler, opened)))
    thread.start()
    port, stop = opened.result(10)
    try:
        yield Address(f"ws://127.0.0.1:{port}/lsp")
    finally:
        stop()
        thread.join()


async def _serve(
    handler: Callable[[ServerConnection], Awaitable[None]], opened: Future[tuple[int, Callable[[], None]]]
) -> None:
    def check(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no")
        return None

    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    async with serve(handler, "127.0.0.1", 0, process_request=check, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        opened.set_result((port, lambda: loop.call_soon_threadsafe(stopping.set)))
        await stopping.wait()


class Editor:
    """The editor's ends of the two pipes, and the bridge in a thread between them and the server."""

    def __init__(self, address: Address) -> None:
        self.input_read, self.input_write = os.pipe()
        self.output_read, self.output_write = os.pipe()
        self.failure: BaseException | None = None
        self._decoder = FrameDecoder()
        self._thread = threading.Thread(target=self._run, args=(address,))
        self._thread.start()

    def _run(self, address: Address) -> None:
        try:
            with open_socket(address) as socket:
                pipe(socket, stdin=self.input_read, stdout=self.output_write)
        except CommandError as error:
            self.failure = error

    def send(self, message: str) -> None:
        data = encode(message)
        while data:
            data = data[os.write(self.input_write, data) :]

    def receive(self) -> str:
        while True:
            for message in self._decoder.feed(os.read(self.output_read, 1 << 16)):
                return message

    def end_input(self) -> None:
        os.close(self.input_write)

    def join(self) -> None:
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()

    def close(self) -> None:
        for descriptor in (self.input_read, self.output_read, self.output_write):
            try:
                os.close(descriptor)
            except OSError:
                continue


@pytest.fixture
def editors() -> Iterator[Callable[[Address], Editor]]:
    made: list[Editor] = []

    def make(address: Address) -> Editor:
        made.append(Editor(address))
        return made[-1]

    yield make
    for editor in made:
        editor.close()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_messages_pass_unchanged_in_both_directions(editors):
    with serving(echo) as address:
        editor = editors(address)
        for message in ('{"a": 1}', json.dumps("é🙂\u2028"), '"' + "x" * 300_000 + '"'):
            writer = threading.Thread(target=editor.send, args=(message,))
            writer.start()
            assert editor.receive() == message
            writer.join()
        editor.end_input()
        editor.join()
    assert editor.failure is None


def test_end_of_input_ends_the_bridge(editors):
    closed = threading.Event()

    async def handler(connection: ServerConnection) -> None:
        await echo(connection)
        closed.set()

    with serving(handler) as address:
        editor = editors(address)
        editor.end_input()
        editor.join()
        assert closed.wait(5)
    assert editor.failure is None


def test_a_server_that_goes_away_is_said(editors):
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1008, "limit reached")

    with serving(handler) as address:
        editor = editors(address)
        editor.send("{}")
        editor.join()
        editor.end_input()
    assert "limit reached" in str(editor.failure)


EXIT = '{"jsonrpc": "2.0", "method": "exit"}'


@pytest.mark.parametrize(
    "message", ["{}", '{"method": "x", "params": "exit"}', '["exit"]', '"exit"', 'exit"']
)
def test_a_server_that_stops_unasked_is_said_too(editors, message):
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1000)

    with serving(handler) as address:
        editor = editors(address)
        editor.send(message)
        editor.join()
        editor.end_input()
    assert "closed the connection" in str(editor.failure)


@pytest.mark.parametrize(("code", "failed"), [(1000, False), (1001, True), (1011, True)])
def test_an_editor_that_said_exit_may_keep_its_input_open(editors, code, failed):
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.recv()
        await connection.close(code)

    with serving(handler) as address:
        editor = editors(address)
        editor.send('{"id": 1, "method": "shutdown"}')
        editor.send(EXIT)
        editor.join()
        editor.end_input()
    assert (editor.failure is not None) is failed


def test_input_that_is_no_lsp_is_said(editors):
    with serving(echo) as address:
        editor = editors(address)
        os.write(editor.input_write, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        editor.join()
        editor.end_input()
    assert "Content-Length" in str(editor.failure)


def test_input_that_ends_inside_a_message_is_said(editors):
    with serving(echo) as address:
        editor = editors(address)
        os.write(editor.input_write, b"Content-Length: 10\r\n\r\n{}")
        editor.end_input()
        editor.join()
    assert "in the middle" in str(editor.failure)


def test_an_editor_that_stops_reading_does_not_stop_its_writing(editors):
    received = threading.Semaphore(0)

    async def flood(connection: ServerConnection) -> None:
        async def talk() -> None:
            for _ in range(64):
                await connection.send("x" * 100_000)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            async for _ in connection:
                received.release()

    with serving(flood) as address:
        editor = editors(address)
        for _ in range(50):
            editor.send("{}")
        for _ in range(50):
            assert received.acquire(timeout=10)
        for _ in range(64):
            assert len(editor.receive()) == 100_000
        editor.end_input()
        editor.join()
    assert editor.failure is None


def test_a_wrong_token_is_refused_with_a_sentence():
    with serving(echo) as address:
        wrong = Address(address.socket_url, token="wrong")
        with pytest.raises(BridgeError, match=r"refused the connection \(401\)"), open_socket(wrong):
            pass


def test_nobody_there_is_a_sentence(unused_tcp_port: int):
    nobody = Address(f"ws://127.0.0.1:{unused_tcp_port}/lsp")
    with pytest.raises(BridgeError, match="does not answer"), open_socket(nobody):
        pass
