"""Who may ask by HTTP, how much, and what becomes of who goes away or of what goes wrong."""

import asyncio
import contextlib
import json
import re
import shutil
from pathlib import Path

import httpx
import pytest

from completion.errors import DocumentTooLarge, EngineBusy
from tests.assistant.conftest import Running
from tests.assistant.web.conftest import client_of, events
from tests.waiting import until

ROUTES = pytest.mark.parametrize("route", ["/infill", "/v1/completions"])
LONG = {"input_prefix": "x" * 3_000, "prompt": "y"}


@ROUTES
async def test_who_has_no_token_is_sent_away(scripted, source, route):
    async with httpx.AsyncClient(base_url=scripted.url) as stranger:
        assert (await stranger.post(route, json={})).status_code == 401
        assert (await stranger.get("/v1/models")).status_code == 401
        foreign = {"Authorization": f"Bearer {scripted.token}", "Origin": "http://evil.example"}
        assert (await stranger.post(route, json={}, headers=foreign)).status_code == 403
    assert source.requests == []


@ROUTES
async def test_a_body_that_is_too_long(scripted_server, source, route):
    async with scripted_server(max_frame_bytes=2_000) as running, client_of(running) as http:
        response = await http.post(route, json=LONG)
        assert response.status_code == 413
        assert response.json()["error"] == {
            "code": -32033,
            "message": "A body may have 2,000 bytes at most.",
        }

        async def unannounced():
            for _ in range(3):
                yield b" " * 1_000

        response = await http.post(route, content=unannounced())
        assert response.status_code == 413
    assert source.requests == []


@ROUTES
async def test_a_long_body_is_read(http, source, route):
    """Longer than what other routes take."""
    asked = asyncio.ensure_future(http.post(route, json={**LONG, "input_suffix": "z" * 100_000}))
    await until(lambda: source.requests)
    source.answer("")
    assert (await asked).status_code == 200


@ROUTES
async def test_too_many_at_once(scripted_server, source, route):
    async with scripted_server(max_pending=2) as running, client_of(running) as http:
        waiting = [asyncio.ensure_future(http.post(route, json={"prompt": "x"})) for _ in range(2)]
        await until(lambda: len(source.requests) == 2)
        refused = await http.post(route, json={"prompt": "x", "stream": True})
        assert refused.status_code == 429
        assert "2 requests wait" in refused.json()["error"]["message"]
        for job in range(2):
            source.answer("", job=job)
        assert [(await each).status_code for each in waiting] == [200, 200]
        asked = asyncio.ensure_future(http.post(route, json={"prompt": "x"}))
        await until(lambda: len(source.requests) == 3)
        source.answer("")
        assert (await asked).status_code == 200


@ROUTES
@pytest.mark.parametrize(("stream", "piece"), [(False, False), (True, False), (True, True)])
async def test_who_goes_away_ends_the_completion(scripted, source, route, stream, piece):
    """Whether nothing was sent so far, or a piece."""
    async with client_of(scripted) as http:
        seen = asyncio.Event()

        async def read() -> None:
            async with http.stream("POST", route, json={"prompt": "x", "stream": stream}) as response:
                async for _ in events(response):
                    seen.set()

        reading = asyncio.ensure_future(read())
        await until(lambda: source.requests)
        if piece:
            source.partial("one\ntwo")
            await asyncio.wait_for(seen.wait(), 30)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await until(lambda: source.cancelled)
        assert source.cancelled == source.requests


@ROUTES
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status"), [(EngineBusy("Too much to do."), 503), (DocumentTooLarge("Too large."), 413)]
)
async def test_errors_are_mapped(http, source, route, stream, error, status):
    asked = asyncio.ensure_future(http.post(route, json={"prompt": "x", "stream": stream}))
    await until(lambda: source.requests)
    source.fail(error)
    response = await asked
    assert response.status_code == status
    assert response.json()["error"]["message"] == str(error)


@ROUTES
async def test_what_goes_wrong_behind_the_first_piece_is_an_event(http, source, route):
    async def script() -> None:
        await until(lambda: source.requests)
        source.partial("one\ntwo")
        for _ in range(20):
            await asyncio.sleep(0.01)
        source.fail(EngineBusy("Too much to do."))

    response, _ = await asyncio.gather(http.post(route, json={"prompt": "x", "stream": True}), script())
    assert response.status_code == 200
    *_, last = [each async for each in events(response)]
    assert last == {"error": {"code": -32038, "message": "Too much to do."}}


async def test_an_answer_that_ends_before_what_was_sent_sends_no_more(http, source):
    """Lines that repeat themselves are cut back to the first of them."""

    async def script() -> None:
        await until(lambda: source.requests)
        source.partial("a\na\nb")
        source.answer("a")

    response, _ = await asyncio.gather(http.post("/infill", json={"stream": True}), script())
    contents = [each["content"] async for each in events(response)]
    assert "".join(contents) in {"a", "a\na"}
    assert contents[-1] == ""


async def test_completions_are_counted(http, source):
    asked = asyncio.ensure_future(http.post("/infill", json={"prompt": "x"}))
    await until(lambda: source.requests)
    source.answer("")
    await asked
    assert (await http.get("/status")).json()["events"] == {"completed": 1}


CURL = re.compile(r"^    (curl .*\n(?:        .*\n)*)", re.MULTILINE)
EXAMPLES = CURL.findall((Path(__file__).parents[3] / "docs/protocol.md").read_text("utf-8"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("example", EXAMPLES, ids=["infill", "completions"])
async def test_the_examples_of_the_documentation_work(product: Running, example: str):
    here = example.replace("http://127.0.0.1:7433", product.url)
    here = here.replace("~/.local/state/splice", str(product.settings.server.state_dir))
    assert here != example
    running = await asyncio.create_subprocess_exec("sh", "-c", here, stdout=asyncio.subprocess.PIPE)
    told, _ = await asyncio.wait_for(running.communicate(), 60)
    answer = json.loads(told)
    text = answer["content"] if "content" in answer else answer["choices"][0]["text"]
    assert isinstance(text, str)
    assert answer["model"]
