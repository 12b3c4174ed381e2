"""Hostile and malformed frames: an error each, and the connection, its documents and the server live on."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.lsp.documents import Limits
from assistant.lsp.server import EditorServer
from tests.assistant.client import RpcError, connected
from tests.fakes import ScriptedSource
from tests.waiting import until

LIMITS = Limits(max_documents=3, max_document_chars=1000, max_pending=4, max_frame_bytes=4096)
INITIALIZE = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}}'


class Writer:
    def __init__(self) -> None:
        self.messages: list[dict] = []

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data))

    def close(self) -> None:
        pass


def make_server(limits: Limits = LIMITS) -> tuple[EditorServer, Writer]:
    server = EditorServer("c", ScriptedSource(), limits=limits, on_event=lambda _: None, on_exit=lambda: None)
    writer = Writer()
    server.rpc.set_writer(writer, include_headers=False)
    server.receive(INITIALIZE)
    writer.messages.clear()
    return server, writer


def error_of(frame: str | bytes) -> tuple[object, int, str]:
    server, writer = make_server()
    server.receive(frame)
    (message,) = writer.messages
    return message["id"], message["error"]["code"], message["error"]["message"]


REQUEST = {"jsonrpc": "2.0", "id": 7, "method": "textDocument/inlineCompletion"}


@pytest.mark.parametrize(
    ("frame", "code", "words"),
    [
        ("", -32700, "not valid JSON"),
        ("{", -32700, "not valid JSON"),
        ("\ud800", -32700, "not valid JSON"),
        (b"\xff\xfe\x00", -32700, "not valid JSON"),
        (b"\x00\x01\x02", -32700, "not valid JSON"),
        ('{"a": NaN}', -32700, "not valid JSON"),
        ('{"a": Infinity}', -32700, "not valid JSON"),
        ("[" * 2000 + "]" * 2000, -32700, "nested too deeply"),
        ('{"jsonrpc":"2.0","id":' + "9" * 4000 + ',"method":"x"}', None, ""),
        ("[]", -32600, "one JSON object"),
        ("3", -32600, "one JSON object"),
        ("null", -32600, "one JSON object"),
        ("{}", -32600, '"jsonrpc": "2.0"'),
        ('{"jsonrpc":"1.0","id":1,"method":"x"}', -32600, '"jsonrpc": "2.0"'),
        ('{"jsonrpc":"2.0","id":1}', -32600, "name its method"),
        ('{"jsonrpc":"2.0","id":1,"method":3}', -32600, "name its method"),
        ('{"jsonrpc":"2.0","id":true,"method":"x"}', -32600, "string or a whole number"),
        ('{"jsonrpc":"2.0","id":1.5,"method":"x"}', -32600, "string or a whole number"),
        ('{"jsonrpc":"2.0","id":[1],"method":"x"}', -32600, "string or a whole number"),
        ('{"jsonrpc":"2.0","id":{"jsonrpc":"2.0"},"method":"x"}', -32600, "string or a whole number"),
        ('{"jsonrpc":"2.0","id":1,"method":"no/such"}', -32601, "no method `no/such`"),
        ('{"jsonrpc":"2.0","id":1,"method":"__init__"}', -32601, "no method"),
        (json.dumps(REQUEST), -32602, "do not fit"),
        (json.dumps(REQUEST | {"params": [1, 2]}), -32602, "do not fit"),
        (json.dumps(REQUEST | {"params": "x"}), -32602, "do not fit"),
        ("x" * 5000, -32033, "5,000 bytes; at most 4,096"),
        (b"x" * 5000, -32033, "5,000 bytes; at most 4,096"),
        ("é" * 3000, -32033, "6,000 bytes; at most 4,096"),
        ("\ud800" * 3000, -32033, "9,000 bytes; at most 4,096"),
        ("é" * 2000, -32700, "not valid JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_frame_that_makes_no_sense(frame, code, words):
    _, given_code, sentence = error_of(frame)
    assert words in sentence
    assert code is None or given_code == code


@pytest.mark.parametrize(
    ("frame", "lost"),
    [
        ('{"textDocument":{"version":3,"uri" : "file:///a"},"text":"%s"}', True),
        ('{"text":"%s","textDocument":{"uri":"file:\\/\\/\\/a","version":3}}', True),
        ('{"text":"{\\"uri\\":\\"file:///a\\"} %s"}', False),
        ('{"uri":"file:///b","x":"%s"', False),
        ('{"uri":"file:///a%s', False),
    ],
)
@pytest.mark.parametrize("kind", [str, str.encode])
def test_a_frame_that_is_too_long_loses_the_document_it_names(frame, lost, kind):
    server, writer = make_server()
    item = {"uri": "file:///a", "languageId": "python", "version": 1, "text": "abc"}
    opening = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}
    server.receive(json.dumps(opening))
    server.receive(kind(frame % ("x" * 20_000)))
    told = [each["method"] for each in writer.messages if "method" in each]
    assert told == (["splice/resync"] if lost else [])


def test_the_error_names_the_request():
    assert error_of('{"jsonrpc":"2.0","id":"abc","method":"x"}')[0] == "abc"
    assert error_of('{"jsonrpc":"2.0","id":1.5,"method":"x"}')[0] is None


@pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","method":"no/such"}',
        '{"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"}}',
        '{"jsonrpc":"2.0","id":1,"result":null}',
        '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
    ],
)
def test_what_needs_no_answer_gets_none(frame):
    server, writer = make_server()
    server.receive(frame)
    assert writer.messages == []


def test_a_binary_frame_is_read_like_a_text_frame():
    assert error_of(b'{"jsonrpc":"2.0","id":1,"method":"no/such"}')[1] == -32601


def test_notifications_before_initialize_are_dropped():
    server = EditorServer("c", ScriptedSource(), limits=LIMITS, on_event=lambda _: None, on_exit=lambda: None)
    writer = Writer()
    server.rpc.set_writer(writer, include_headers=False)
    server.receive('{"jsonrpc":"2.0","method":"textDocument/didOpen","params":3}')
    assert writer.messages == []


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
methods = st.sampled_from(
    [
        "initialize",
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didClose",
        "textDocument/inlineCompletion",
        "textDocument/didShowCompletion",
        "workspace/executeCommand",
        "$/cancelRequest",
        "$/progress",
    ]
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": methods | st.text(max_size=9), "params": jsons},
    optional={"id": jsons, "result": jsons},
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(messages | jsons, max_size=4),
    st.lists(st.binary(max_size=40) | st.text(max_size=40), max_size=3),
)
def test_no_message_whatever_ends_the_conversation(objects, raws):
    server, writer = make_server()
    for frame in [json.dumps(each) for each in objects] + raws:
        server.receive(frame)
    assert all("error" in each or "result" in each or "method" in each for each in writer.messages)
    writer.messages.clear()
    server.receive('{"jsonrpc":"2.0","id":"last","method":"still/there?"}')
    assert writer.messages[-1]["error"]["code"] == -32601


async def test_too_many_requests(scripted_server, source):
    async with (
        scripted_server(max_pending=2) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        for number in range(3):
            await client.open("", uri=f"file:///{number}")
        asked = [await client.ask_inline(0, 0, uri=f"file:///{number}") for number in range(3)]
        with pytest.raises(RpcError, match="At most 2 requests") as info:
            await client.answer(asked[2])
        assert info.value.code == -32035
        source.answer("x", job=0)
        assert (await client.answer(asked[0]))["items"]


async def test_two_requests_of_one_id(scripted, source):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        await client.open("")
        asked = await client.ask_inline(0, 0)
        await until(lambda: source.requests)
        await client.send("shutdown", None, asked)
        with pytest.raises(RpcError, match="same id"):
            await client.answer(asked)


async def test_a_frame_over_the_limit_leaves_the_connection_alone(scripted_server):
    async with (
        scripted_server(max_frame_bytes=10_000) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        await client.open("x" * 11_000)
        with pytest.raises(RpcError, match="at most 10,000") as info:
            await client.answer(None)
        assert info.value.code == -32033
        with pytest.raises(RpcError, match="no method"):
            await client.request("still/there?")


async def test_a_frame_far_over_the_limit_ends_its_connection_only(scripted_server):
    async with (
        scripted_server(max_frame_bytes=10_000) as running,
        connected(running.url, running.token) as one,
        connected(running.url, running.token) as other,
    ):
        await other.initialize()
        await one.socket.send("x" * 100_000)
        await one.socket.wait_closed()
        assert one.socket.close_code == 1009
        with pytest.raises(RpcError, match="no method"):
            await other.request("still/there?")
