"""What bad documents get, over a real websocket: a sentence, a code, and no other document is touched."""

import json

import pytest

from tests.assistant.client import URI, Client, RpcError, connected, insert, replace
from tests.waiting import until

GOOD = "file:///work/good.py"


@pytest.fixture
async def client(scripted):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        await client.open("good", uri=GOOD)
        yield client


async def the_good_one_is_whole(client: Client, source) -> None:
    """Its text is what it was, and it is completed."""
    asked = await client.ask_inline(0, 4, uri=GOOD)
    await until(lambda: source.requests and source.requests[-1].text == "good")
    source.answer("x")
    assert (await client.answer(asked))["items"][0]["insertText"] == "x"


async def refused(client: Client, code: int, words: str, **more) -> None:
    with pytest.raises(RpcError, match=words) as info:
        await client.inline(0, 0, **more)
    assert info.value.code == code


async def resynced(client: Client, words: str) -> None:
    told = await client.notified("splice/resync")
    assert told["uri"] == URI
    assert words in told["reason"]


async def test_no_text(client, source):
    await client.open("\x7fELF\x02\x01\0\0\0")
    told = await client.notified("window/logMessage")
    assert (told["code"], told["type"]) == (-32031, 1)
    assert "no text" in told["message"]
    await refused(client, -32031, "no text")
    await the_good_one_is_whole(client, source)


async def test_far_too_many_characters(client, source):
    await client.open("x = 1  " * 2_300_000)
    assert (await client.notified("window/logMessage"))["code"] == -32032
    await refused(client, -32032, "has 16,100,000 characters; at most 4,000,000")
    await the_good_one_is_whole(client, source)
    await client.change(2, {"text": "small"})
    await client.ask_inline(0, 5)
    await until(lambda: source.requests[-1].text == "small")


@pytest.mark.parametrize("text", ["\n" * 4_000_000, "漢" * 4_000_000], ids=["escapes", "wide"])
async def test_the_largest_document_fits_into_a_frame(client, source, text):
    item = {"uri": URI, "languageId": "python", "version": 1, "text": text}
    message = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}
    await client.socket.send(json.dumps(message, ensure_ascii=False))
    await client.ask_inline(0, 0)
    await until(lambda: source.requests)
    assert len(source.requests[0].text) == 4_000_000


async def test_twenty_megabytes_are_too_long_to_read(client, source):
    await client.open("x = 1\n" * 3_000_000)
    with pytest.raises(RpcError, match="at most 16,777,216 are read") as info:
        await client.answer(None)
    assert info.value.code == -32033
    await the_good_one_is_whole(client, source)


@pytest.mark.parametrize("order", [["textDocument", "contentChanges"], ["contentChanges", "textDocument"]])
async def test_a_change_too_long_to_read_loses_its_document_only(client, source, order):
    await client.open("abc")
    name = json.dumps({"uri": GOOD})
    changes = [insert(0, 3, name + "x" * 17_000_000 + name)]
    params = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": changes}
    await client.send("textDocument/didChange", {key: params[key] for key in order})
    await resynced(client, "could not be read")
    await refused(client, -32801, "Send the whole document again")
    await the_good_one_is_whole(client, source)


async def test_an_edit_out_of_order(client, source):
    await client.open("abc", version=5)
    await client.change(5, insert(0, 0, "x"))
    await resynced(client, "version 5 came after version 5")
    await client.change(6, insert(0, 0, "y"))
    await refused(client, -32801, "Send the whole document again")
    await the_good_one_is_whole(client, source)
    assert len([m for m in client.seen if m.get("method") == "splice/resync"]) == 1


@pytest.mark.parametrize("way", ["change", "open"])
async def test_sending_the_document_again_ends_the_loss(client, source, way):
    await client.open("abc", version=5)
    await client.change(4, insert(0, 0, "x"))
    await resynced(client, "version 4")
    if way == "change":
        await client.change(1, {"text": "anew"})
    else:
        await client.open("anew")
    await client.ask_inline(0, 4)
    await until(lambda: source.requests and source.requests[-1].text == "anew")


async def test_an_unknown_version(client, source):
    await client.open("abc", version=1)
    await refused(client, -32801, "version 9 is meant", textDocument={"uri": URI, "version": 9})
    await resynced(client, "version 9 is meant")
    await refused(client, -32801, "Send the whole document again")
    await the_good_one_is_whole(client, source)


async def test_an_older_version_is_outdated_but_nothing_is_lost(client, source):
    await client.open("abc", version=5)
    await refused(client, -32801, "Version 4 is meant", textDocument={"uri": URI, "version": 4})
    await client.ask_inline(0, 0, textDocument={"uri": URI, "version": 5})
    await until(lambda: source.requests)


async def test_a_change_that_cannot_be_read_loses_the_document(client, source):
    await client.open("abc")
    await client.change(2, {"text": 3})
    await resynced(client, "could not be read")
    await refused(client, -32801, "Send the whole document again")
    await the_good_one_is_whole(client, source)


async def test_a_reversed_range_loses_the_document(client, source):
    await client.open("abc")
    await client.change(2, replace((0, 2), (0, 1), "x"))
    await resynced(client, "could not be read")
    await the_good_one_is_whole(client, source)


async def test_too_many_edits_in_one_message(client, source):
    await client.open("x\n" * 1_500_000)
    await client.change(2, *[insert(0, 0, "y")] * 1000)
    await resynced(client, "edits of version 2 are too many")
    await the_good_one_is_whole(client, source)


async def test_many_edits_that_make_the_text_grow(client, source):
    await client.open("")
    await client.change(2, *[insert(0, 0, "y" * 400)] * 6000)
    await resynced(client, "edits of version 2 are too many")
    await the_good_one_is_whole(client, source)


async def test_five_megabytes_pasted_and_undone(client, source):
    await client.open("abc")
    await client.change(2, insert(0, 3, "x" * 5_000_000))
    assert (await client.notified("window/logMessage"))["code"] == -32032
    await client.change(3, insert(0, 0, "# "))
    await refused(client, -32032, "has 5,000,005 characters")
    await client.change(4, replace((0, 5), (0, 5_000_005), ""))
    await client.ask_inline(0, 5)
    await until(lambda: source.requests and source.requests[-1].text == "# abc")
    assert len([m for m in client.seen if m.get("method") == "window/logMessage"]) == 1


async def test_a_change_that_cannot_be_read_loses_a_refused_text_too(client, source):
    await client.open("\0")
    await client.notified("window/logMessage")
    await client.change(2, {"text": 3})
    await resynced(client, "could not be read")
    await the_good_one_is_whole(client, source)


async def test_opened_again_while_its_completion_runs(client, source):
    await client.open("abc", version=1)
    asked = await client.ask_inline(0, 3)
    await until(lambda: source.requests)
    await client.open("other", version=1)
    assert (await client.answer(asked))["items"] == []
    await until(lambda: source.cancelled)


async def test_a_document_that_is_not_open(client, source):
    await refused(client, -32030, "not open")
    await client.change(2, insert(0, 0, "x"))
    await resynced(client, "didOpen")
    await client.close_document()
    await the_good_one_is_whole(client, source)


async def test_closed_while_its_completion_runs(client, source):
    await client.open("abc")
    asked = await client.ask_inline(0, 3)
    await until(lambda: source.requests)
    await client.close_document()
    with pytest.raises(RpcError, match="closed while its completion ran") as info:
        await client.answer(asked)
    assert info.value.code == -32030
    await until(lambda: source.cancelled and source.forgotten)
    await refused(client, -32030, "not open")
    await the_good_one_is_whole(client, source)


async def test_too_many_documents(scripted_server, source):
    async with (
        scripted_server(max_documents=2) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        await client.open("good", uri=GOOD)
        await client.open("b", uri="file:///b")
        await client.open("c", uri="file:///c")
        told = await client.notified("window/logMessage")
        assert told["code"] == -32034
        assert "At most 2 documents" in told["message"]
        await the_good_one_is_whole(client, source)


async def test_a_second_client_on_the_same_file(scripted, source, client):
    async with connected(scripted.url, scripted.token) as second:
        await second.initialize()
        await client.open("mine")
        await second.open("yours", version=9)
        await second.change(10, insert(0, 0, "!"))
        first_asked = await client.ask_inline(0, 4)
        await until(lambda: source.requests and source.requests[-1].text == "mine")
        second_asked = await second.ask_inline(0, 6)
        await until(lambda: source.requests[-1].text == "!yours")
        source.answer("a", job=0)
        source.answer("b", job=1)
        assert (await client.answer(first_asked))["items"][0]["insertText"] == "a"
        assert (await second.answer(second_asked))["items"][0]["insertText"] == "b"
        await second.close_document()
        assert source.requests[0].document != source.requests[1].document
        await client.change(2, insert(0, 4, "?"))
        await client.ask_inline(0, 5)
        await until(lambda: source.requests[-1].text == "mine?")
