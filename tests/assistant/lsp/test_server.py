"""The language server over a real websocket, around a service that answers when the test says so."""

import asyncio

import pytest

from completion.errors import EngineBusy, EngineFailed
from completion.records import EngineState, Trigger
from tests.assistant.client import URI, Client, RpcError, connected, insert, replace
from tests.waiting import until

OTHER = "file:///work/other.py"


@pytest.fixture
async def client(scripted):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        yield client


async def started(source, jobs: int = 1) -> None:
    await until(lambda: len(source.requests) >= jobs)


async def settled(client: Client) -> None:
    """Everything sent so far was handled: frames are handled in order."""
    with pytest.raises(RpcError):
        await client.request("no/such/method")


async def test_initialize_tells_what_the_server_can(scripted):
    async with connected(scripted.url, scripted.token) as client:
        result = await client.initialize("utf-8", "utf-16")
        assert result["capabilities"] == {
            "positionEncoding": "utf-8",
            "textDocumentSync": {"openClose": True, "change": 2},
            "inlineCompletionProvider": True,
            "workspaceSymbolProvider": True,
            "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
            "executeCommandProvider": {"commands": ["splice.accept"]},
        }
        assert result["serverInfo"]["name"] == "splice"


async def test_the_status_is_told_after_initialized(client):
    assert (await client.notified("splice/status"))["state"] == "ready"


async def test_a_failed_engine_is_told(scripted, source):
    source.state = EngineState.FAILED
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        assert (await client.notified("splice/status"))["state"] == "failed"


async def test_initialized_twice_is_watched_once(scripted, source):
    source.state = EngineState.LOADING
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        await client.notified("splice/status")
        for _ in range(5):
            await client.send("initialized", {})
        source.detail = "half of it"
        await client.find(lambda m: m.get("params", {}).get("detail") == "half of it")
        await settled(client)
        assert len([m for m in client.seen if m.get("method") == "splice/status"]) == 2
        watchers = [task for task in asyncio.all_tasks() if "_watch_status" in repr(task.get_coro())]
        assert len(watchers) == 1


async def test_loading_is_told_as_it_goes_on(scripted, source):
    source.state = EngineState.LOADING
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        assert (await client.notified("splice/status"))["detail"] == "scripted"
        source.detail = "half of it"
        await client.find(lambda m: m.get("params", {}).get("detail") == "half of it")
        source.state = EngineState.READY
        await client.find(lambda m: m.get("params", {}).get("state") == "ready")
        assert len([m for m in client.seen if m.get("method") == "splice/status"]) == 3


async def test_a_model_that_leaves_and_comes_back_is_told(scripted, source):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        assert (await client.notified("splice/status"))["state"] == "ready"
        for state in (EngineState.UNLOADED, EngineState.LOADING, EngineState.READY):
            source.state = state
            await client.find(lambda m, state=state: m.get("params", {}).get("state") == state)


async def test_a_completion_and_its_trace(client, source):
    await client.open("def f():\n    ", language="python", version=7)
    asked = await client.ask_inline(1, 4, kind=1)
    await started(source)
    request = source.requests[0]
    assert (request.text, request.cursor, request.language) == ("def f():\n    ", 13, "python")
    assert request.trigger is Trigger.INVOKED
    source.answer("return 1")
    (item,) = (await client.answer(asked))["items"]
    assert item["insertText"] == "return 1"
    assert item["range"]["start"] == item["range"]["end"] == {"line": 1, "character": 4}
    told = await client.notified("splice/trace")
    assert (told["uri"], told["version"], told["trace"]["model"]) == (URI, 7, "scripted")
    assert item["splice"]["trace"] == told["trace"]


async def test_emoji_in_front_of_the_cursor(client, source):
    await client.open('x = "👩" + ')
    asked = await client.ask_inline(0, 11)
    await started(source)
    assert source.requests[0].cursor == 10
    source.answer("y")
    (item,) = (await client.answer(asked))["items"]
    assert item["range"]["start"]["character"] == 11


async def test_mixed_line_ends_and_a_lone_surrogate(client, source):
    await client.open("a\r\nb\rc\ud800\nd")
    await client.change(2, insert(2, 2, "!"), insert(1, 1, "\r\n"))
    asked = await client.ask_inline(3, 3)
    await started(source)
    assert source.requests[0].text == "a\nb\n\nc\ufffd!\nd"
    assert source.requests[0].cursor == len("a\nb\n\nc\ufffd!")
    source.answer("x\ny")
    (item,) = (await client.answer(asked))["items"]
    assert item["insertText"] == "x\r\ny"
    assert item["range"]["start"] == {"line": 3, "character": 3}


async def test_a_position_behind_the_end_is_the_end(client, source):
    await client.open("ab\ncd")
    for at, (line, character) in {2: (0, 2**31 - 1), 5: (2**31 - 1, 0)}.items():
        asked = await client.ask_inline(line, character)
        await until(lambda at=at: source.requests and source.requests[-1].cursor == at)
        source.answer("")
        assert (await client.answer(asked))["items"] == []


async def test_partial_results(client, source):
    await client.open("")
    asked = await client.ask_inline(0, 0, partialResultToken="tok")
    await started(source)
    source.partial("re")
    progress = await client.notified("$/progress")
    assert progress["token"] == "tok"
    assert [item["insertText"] for item in progress["value"]["items"]] == ["re"]
    source.answer("return")
    (item,) = (await client.answer(asked))["items"]
    assert item["insertText"] == "return"
    assert item["splice"]["id"] == progress["value"]["items"][0]["splice"]["id"]


async def test_partial_results_fit_what_stands_behind_the_cursor(client, source):
    await client.open("x = foo()")
    await client.ask_inline(0, 8, partialResultToken="tok")
    await started(source)
    source.partial("a, b)")
    (item,) = (await client.notified("$/progress"))["value"]["items"]
    assert item["insertText"] == "a, b"


async def test_typing_along_a_partial_result_keeps_the_job(client, source):
    await client.open("")
    older = await client.ask_inline(0, 0, partialResultToken=1)
    await started(source)
    source.partial("retu")
    await client.notified("$/progress")
    await client.change(2, insert(0, 0, "re"))
    newer = await client.ask_inline(0, 2)
    with pytest.raises(RpcError, match="newer request") as info:
        await client.answer(older)
    assert info.value.code == -32800
    source.answer("return")
    (item,) = (await client.answer(newer))["items"]
    assert item["insertText"] == "turn"
    assert len(source.requests) == 1
    assert source.cancelled == []


async def test_a_new_request_cancels_the_older_one(client, source):
    await client.open("ab")
    older = await client.ask_inline(0, 0)
    await started(source)
    newer = await client.ask_inline(0, 2)
    with pytest.raises(RpcError, match="newer request") as info:
        await client.answer(older)
    assert info.value.code == -32800
    await started(source, 2)
    assert source.cancelled == source.requests[:1]
    source.answer("x")
    assert (await client.answer(newer))["items"]


async def test_the_reuse_a_client_wants_reaches_the_service(client, source):
    await client.open("ab")
    for jobs, wish in enumerate(({}, {"splice": {"reuse": "exact"}}, {"splice": {}}), start=1):
        await client.ask_inline(0, 1, **wish)
        await started(source, jobs)
    assert [request.reuse for request in source.requests] == [None, "exact", None]
    with pytest.raises(RpcError, match=r"do not fit the method.*splice\.reuse") as info:
        await client.inline(0, 1, splice={"reuse": "sometimes"})
    assert info.value.code == -32602
    assert len(source.requests) == 3


async def test_requests_of_other_documents_go_on(client, source):
    await client.open("a")
    await client.open("b", uri=OTHER)
    one = await client.ask_inline(0, 1)
    two = await client.ask_inline(0, 1, uri=OTHER)
    await started(source, 2)
    source.answer("x", job=0)
    source.answer("y", job=1)
    assert (await client.answer(one))["items"][0]["insertText"] == "x"
    assert (await client.answer(two))["items"][0]["insertText"] == "y"
    assert source.requests[0].document != source.requests[1].document


async def test_cancel_request(client, source):
    await client.open("a")
    asked = await client.ask_inline(0, 1)
    await started(source)
    await client.send("$/cancelRequest", {"id": asked})
    with pytest.raises(RpcError, match="was cancelled") as info:
        await client.answer(asked)
    assert info.value.code == -32800
    await until(lambda: source.cancelled)
    again = await client.ask_inline(0, 1)
    await started(source, 2)
    source.answer("x")
    assert (await client.answer(again))["items"]


async def test_cancelling_what_is_not_there_does_nothing(client, source):
    await client.send("$/cancelRequest", {"id": 99})
    await client.send("$/cancelRequest", {"id": "x"})
    await client.send("$/cancelRequest", {})
    await settled(client)


async def test_a_late_answer_is_shortened(client, source):
    await client.open("")
    asked = await client.ask_inline(0, 0)
    await started(source)
    await client.change(2, insert(0, 0, "re"))
    await settled(client)
    source.answer("return")
    (item,) = (await client.answer(asked))["items"]
    assert item["insertText"] == "turn"
    assert item["range"]["start"] == {"line": 0, "character": 2}


async def test_a_late_answer_that_fits_no_more_is_dropped_at_once(client, source):
    await client.open("abc")
    asked = await client.ask_inline(0, 3)
    await started(source)
    await client.change(2, replace((0, 0), (0, 1), ""))
    assert (await client.answer(asked))["items"] == []
    await until(lambda: source.cancelled)


async def test_typing_along_and_backspace_never_ask_again(client, source):
    await client.open("")
    asked = await client.ask_inline(0, 0)
    await started(source)
    source.answer("return 1")
    (first,) = (await client.answer(asked))["items"]
    await client.change(2, insert(0, 0, "re"))
    (shorter,) = await client.inline(0, 2)
    await client.change(3, replace((0, 0), (0, 2), ""))
    (back,) = await client.inline(0, 0)
    assert [it["insertText"] for it in (shorter, back)] == ["turn 1", "return 1"]
    assert {it["splice"]["id"] for it in (first, shorter, back)} == {first["splice"]["id"]}
    assert len(source.requests) == 1


async def test_the_popups_item(client, source):
    await client.open("x = pri")
    chosen = {
        "range": {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 7}},
        "text": "print",
    }
    asked = await client.ask_inline(0, 7, chosen=chosen)
    await started(source)
    assert source.requests[0].text == "x = print"
    source.answer("(x)")
    (item,) = (await client.answer(asked))["items"]
    assert (item["insertText"], item["range"]) == ("print(x)", chosen["range"])


async def test_trigger_kinds_counted_from_zero(client, source):
    await client.open("ab")
    kinds = []
    for kind, column in ((1, 0), (0, 1), (1, 2)):
        asked = await client.ask_inline(0, column, kind=kind)
        await started(source, len(kinds) + 1)
        kinds.append(source.requests[-1].trigger)
        source.answer("")
        await client.answer(asked)
    assert kinds == [Trigger.INVOKED, Trigger.INVOKED, Trigger.AUTOMATIC]


async def test_accepting_shows_it_no_more(client, source):
    await client.open("")
    asked = await client.ask_inline(0, 0)
    await started(source)
    source.answer("x")
    (item,) = (await client.answer(asked))["items"]
    await client.send("textDocument/didShowCompletion", {"item": item})
    await client.send("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 1})
    command = item["command"]
    params = {"command": command["command"], "arguments": command["arguments"]}
    assert await client.request("workspace/executeCommand", params) is None
    await client.ask_inline(0, 0)
    await started(source, 2)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"command": "rm -rf"}, "no command"),
        ({"command": "splice.accept"}, "one argument"),
        ({"command": "splice.accept", "arguments": [3]}, "one argument"),
    ],
)
async def test_commands_that_do_not_fit(client, params, words):
    with pytest.raises(RpcError, match=words) as info:
        await client.request("workspace/executeCommand", params)
    assert info.value.code == -32602


@pytest.mark.parametrize(
    ("error", "code"), [(EngineBusy("Busy."), -32038), (EngineFailed("No model."), -32040)]
)
async def test_the_engines_errors_are_answered(client, source, error, code):
    await client.open("")
    asked = await client.ask_inline(0, 0)
    await started(source)
    source.fail(error)
    with pytest.raises(RpcError, match=str(error)) as info:
        await client.answer(asked)
    assert info.value.code == code


async def test_a_bug_tells_no_content(client, source, caplog):
    await client.open("secret")
    asked = await client.ask_inline(0, 0)
    await started(source)
    source.fail(ValueError("secret"))
    with pytest.raises(RpcError, match="ValueError") as info:
        await client.answer(asked)
    assert info.value.code == -32603
    assert "secret" not in str(info.value)
    assert "A request failed" in caplog.text


async def test_shutdown_and_exit(client, source):
    await client.open("")
    asked = await client.ask_inline(0, 0)
    await started(source)
    assert await client.request("shutdown") is None
    with pytest.raises(RpcError, match="shut down"):
        await client.answer(asked)
    with pytest.raises(RpcError, match="only `exit`") as info:
        await client.request("textDocument/inlineCompletion", {})
    assert info.value.code == -32600
    await client.send("exit", None)
    await client.socket.wait_closed()
    assert client.socket.close_code == 1000


async def test_the_first_request_must_be_initialize(scripted):
    async with connected(scripted.url, scripted.token) as client:
        with pytest.raises(RpcError, match="`initialize`") as info:
            await client.request("shutdown")
        assert info.value.code == -32002
        await client.initialize()
        with pytest.raises(RpcError, match="initialized already") as info:
            await client.request("initialize", {})
        assert info.value.code == -32600


async def test_a_connection_that_ends_gives_everything_back(scripted, source):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        await client.open("a")
        await client.ask_inline(0, 1)
        await started(source)
    await until(lambda: source.cancelled and source.forgotten)
    assert source.forgotten == [source.requests[0].document]
