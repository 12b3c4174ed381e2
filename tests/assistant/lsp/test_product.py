"""The whole product over a real websocket, with a tiny real model: what only the real service can show."""

import asyncio
import re
import time
from dataclasses import replace

import pytest

from completion.config import CompletionConfig
from completion.records import PREFIX_ONLY
from tests.assistant.client import RpcError, connected, insert
from tests.assistant.conftest import running_server, settings_for, with_dynamic_angles
from tests.tiny import make_model
from tests.waiting import stretched


@pytest.fixture
async def client(product):
    async with connected(product.url, product.token) as client:
        await client.initialize("utf-32")
        yield client


@pytest.fixture
def endless(tmp_path, tiny_model_dir):
    """Settings with which a completion of the tiny model takes seconds."""
    settings = settings_for(tmp_path / "state", tiny_model_dir)
    endless = CompletionConfig(max_tokens=3000, single_line_tokens=3000, time_budget_s=60.0)
    return replace(settings, completion=endless)


async def test_typing_at_the_cursor_keeps_the_prompt(client):
    await client.open("def f(n):\n    ")
    (first,) = await client.inline(1, 4)
    await client.change(2, insert(1, 4, "\u00df"))
    items = await client.inline(1, 5)
    trace = items[0]["splice"]["trace"]
    assert trace["reuse"]["kept"] >= first["splice"]["trace"]["reuse"]["prompt"] - 1
    assert trace["reuse"]["computed"] <= 3


LINES = "".join(f"def function_{number}(value):\n    return value + {number}\n\n" for number in range(20))


async def test_an_edit_far_above_moves_what_is_cached_unless_the_client_wants_it_exact(
    tmp_path, tiny_model_dir
):
    settings = settings_for(tmp_path / "state", tiny_model_dir)
    quiet = replace(settings.completion, refresh_after_s=3600.0, repair_tokens=4)
    async with (
        running_server(replace(settings, completion=quiet)) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        await client.open(LINES)
        line = LINES.count("\n")
        await client.inline(line, 0)
        told = []
        for number, wish in enumerate(
            ({}, {"splice": {"reuse": "exact"}}, {"splice": {"reuse": "recompute"}})
        ):
            await client.change(number + 2, insert(0, 0, "# one more line\n"))
            mark = len(client.seen)
            await client.answer(await client.ask_inline(line + number + 1, 0, **wish))
            told.append((await client.notified("splice/trace", after=mark))["trace"]["reuse"])
        auto, exact, cold = told
        assert auto["shifted"] > 0.8 * auto["prompt"]
        assert auto["repaired"] == 4
        assert auto["stale"] > 0
        assert auto["exact"] is False
        assert (exact["shifted"], exact["stale"], exact["exact"]) == (0, 0, True)
        assert 0 < exact["kept"] < 0.1 * exact["prompt"]
        assert (cold["kept"], cold["shifted"], cold["computed"]) == (0, 0, cold["prompt"])


async def test_a_client_may_ask_for_chance(product):
    """A seed repeats its text; the greedy suggestion is not handed to who asks for a sampled one."""
    async with connected(product.url, product.token) as client:
        await client.initialize()
        await client.open("def add(a, b):\n    ")
        wishes = [{"temperature": 1.5, "topP": 0.95, "seed": seed} for seed in (1, 2, 3, 1)]
        texts = []
        for wish in ({}, *wishes, {}):
            items = await client.inline(1, 4, splice=wish)
            texts.append(items[0]["insertText"] if items else "")
        greedy, *sampled, again = texts
        assert again == greedy
        assert sampled[3] == sampled[0]
        assert len({greedy, *sampled}) > 2
        with pytest.raises(RpcError, match="temperature from 0 to 100"):
            await client.inline(1, 4, splice={"temperature": -1})


async def test_a_model_whose_keys_cannot_be_moved_says_so_and_stays_exact(tmp_path, tiny_model_dir):
    model = with_dynamic_angles(tiny_model_dir, tmp_path / "dynamic")
    async with (
        running_server(settings_for(tmp_path / "state", model)) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        ready = await client.find(lambda m: m.get("params", {}).get("state") == "ready")
        told = ready["params"]["cache"]
        assert "'qwen2' cannot be moved" in told
        assert "dynamic" in told
        assert told.endswith(PREFIX_ONLY)
        assert (await status(running))["cache"] == told
        await client.open(LINES)
        line = LINES.count("\n")
        await client.inline(line, 0)
        await client.change(2, insert(3, 0, "# one more line\n"))
        mark = len(client.seen)
        await client.answer(await client.ask_inline(line + 1, 0))
        reuse = (await client.notified("splice/trace", after=mark))["trace"]["reuse"]
        assert (reuse["shifted"], reuse["exact"]) == (0, True)
        assert reuse["kept"] > 0


async def test_the_cache_in_the_status_says_what_was_chosen(tmp_path, tiny_model_dir):
    for reuse, words in (("auto", "^follows edits$"), ("exact", "common prefix"), ("recompute", "Nothing")):
        settings = settings_for(tmp_path / reuse, tiny_model_dir)
        chosen = replace(settings, completion=replace(settings.completion, reuse=reuse))
        async with (
            running_server(chosen) as running,
            connected(running.url, running.token) as client,
        ):
            await client.initialize()
            ready = await client.find(lambda m: m.get("params", {}).get("state") == "ready")
            assert re.search(words, ready["params"]["cache"])


async def test_the_same_question_gets_the_same_answer_from_two_clients(client, product):
    text = "import os\n\ndef main():\n    "
    await client.open(text)
    async with connected(product.url, product.token) as second:
        await second.initialize("utf-32")
        await second.open(text)
        mine, yours = await asyncio.gather(client.inline(3, 4), second.inline(3, 4))
    assert mine[0]["insertText"] == yours[0]["insertText"]


async def test_typing_along_and_back_asks_the_model_once(client):
    await client.open("x = ")
    (shown,) = await client.inline(0, 4)
    text = re.match(r"[^\n\0]*", shown["insertText"])[0]
    for count in range(1, len(text)):
        await client.change(count + 1, insert(0, 3 + count, text[count - 1]))
        (item,) = await client.inline(0, 4 + count)
        assert item["insertText"] == shown["insertText"][count:]
    assert len([m for m in client.seen if m.get("method") == "splice/trace"]) == 1


async def test_partial_results_grow_into_the_answer(client):
    await client.open("def f(n):\n    ")
    items = await client.inline(1, 4, partialResultToken="p")
    parts = [
        m["params"]["value"]["items"][0]["insertText"] for m in client.seen if m.get("method") == "$/progress"
    ]
    assert parts
    assert all(items[0]["insertText"].startswith(part) for part in parts[:1])


async def test_a_new_request_cancels_its_older_one_within_a_decode_step(endless):
    async with (
        running_server(endless) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        await client.open("a = 1\nb = 2\n")
        older = await client.ask_inline(1, 5, partialResultToken="p")
        started = time.perf_counter()
        seen = 0
        while seen < 8:
            await client.find(lambda m: m.get("method") == "$/progress", after=len(client.seen))
            seen += 1
        step = (time.perf_counter() - started) / 8
        mark = len(client.seen)
        began = time.perf_counter()
        newer = await client.ask_inline(0, 0, partialResultToken="q")
        with pytest.raises(RpcError, match="newer request"):
            await client.answer(older)
        await client.find(lambda m: m.get("params", {}).get("token") == "q", after=mark)
        took = time.perf_counter() - began
        late = [m for m in client.seen[mark:] if m.get("params", {}).get("token") == "p"]
        assert len(late) <= 1 + stretched(0.05) / step, "the older job went on"
        assert took < stretched(0.5) + 20 * step
        await client.send("$/cancelRequest", {"id": newer})
        with pytest.raises(RpcError, match="cancelled"):
            await client.answer(newer)


async def test_a_closed_document_gives_its_cache_back(product, client):
    await client.open("def f(n):\n    ")
    await client.inline(1, 4)
    assert (await status(product))["cachedTokens"] > 0
    await client.close_document()

    async def is_empty() -> bool:
        return (await status(product))["cachedTokens"] == 0

    async with asyncio.timeout(10):
        while not await is_empty():  # noqa: ASYNC110 - only /status tells
            await asyncio.sleep(0.01)


async def status(product) -> dict:
    import httpx

    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {product.token}"}) as http:
        return (await http.get(f"{product.url}/status")).json()


async def test_stopping_is_prompt_with_an_open_websocket_and_a_running_job(endless):
    async with (
        running_server(endless) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        await client.open("a = 1\n")
        await client.ask_inline(1, 0, partialResultToken="p")
        await client.notified("$/progress")
        began = time.perf_counter()
        running.task.cancel()
        await asyncio.wait({running.task})
        assert time.perf_counter() - began < stretched(1.0)
        await client.socket.wait_closed()
    assert list(endless.server.state_dir.iterdir()) == []


async def test_a_client_that_vanishes_ends_its_job(endless):
    async with running_server(endless) as running:
        async with connected(running.url, running.token) as client:
            await client.initialize()
            await client.open("a = 1\n")
            await client.ask_inline(1, 0, partialResultToken="p")
            await client.notified("$/progress")
            client.socket.transport.abort()
        async with asyncio.timeout(10):
            while (now := await status(running))["connections"] or now["cachedTokens"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_the_model_that_cannot_be_loaded_is_told(tmp_path):
    async with (
        running_server(settings_for(tmp_path / "state", tmp_path / "no-such-model")) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        told = await client.find(lambda m: m.get("params", {}).get("state") == "failed")
        assert "no-such-model" in told["params"]["detail"]
        await client.open("")
        with pytest.raises(RpcError, match="no-such-model") as info:
            await client.inline(0, 0)
        assert -32059 <= info.value.code <= -32030


async def test_a_model_without_fim_tokens_is_told(tmp_path):
    model = make_model(tmp_path / "no-fim", specials=("<|endoftext|>",))
    async with (
        running_server(settings_for(tmp_path / "state", model)) as running,
        connected(running.url, running.token) as client,
    ):
        await client.initialize()
        told = await client.find(lambda m: m.get("params", {}).get("state") == "failed")
        assert "fim" in told["params"]["detail"].lower()
        await client.open("")
        with pytest.raises(RpcError, match=r"(?i)fim") as info:
            await client.inline(0, 0)
        assert info.value.code == -32040
