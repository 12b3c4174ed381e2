"""llama.cpp's route, as llama.vim and others ask it."""

import asyncio

import httpx
import pytest

from assistant.web.infill import Extra, context_of, only
from tests.assistant.conftest import Running
from tests.assistant.web.conftest import client_of, events
from tests.fakes import ScriptedSource
from tests.waiting import until

LLAMA_VIM = {
    "id_slot": 0,
    "input_prefix": "def add(a, b):\n",
    "input_suffix": "\n\nprint(add(1, 2))\n",
    "input_extra": [{"filename": "b.py", "text": "B = 1\n"}, {"filename": "a.py", "text": "A = 1\n"}],
    "prompt": "    return",
    "n_predict": 12,
    "stop": [],
    "n_indent": 4,
    "top_k": 40,
    "top_p": 0.9,
    "stream": False,
    "samplers": ["top_k", "top_p", "infill"],
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 1000,
    "response_fields": ["content", "timings/prompt_n", "timings/predicted_ms", "tokens_cached", "no/such"],
}
"""What llama.vim sends when somebody pauses."""


async def ask(http: httpx.AsyncClient, source: ScriptedSource, body: dict, text: str) -> httpx.Response:
    asked = len(source.requests)

    async def answer() -> None:
        await until(lambda: len(source.requests) > asked)
        source.answer(text)

    response, _ = await asyncio.gather(http.post("/infill", json=body), answer())
    return response


async def test_a_request_of_llama_vim(http, source):
    response = await ask(http, source, LLAMA_VIM, " a + b")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "content": " a + b",
        "timings/prompt_n": 2,
        "timings/predicted_ms": 2.0,
        "tokens_cached": 3,
    }
    request = source.requests[0]
    assert request.text == "def add(a, b):\n    return\n\nprint(add(1, 2))\n"
    assert request.text[: request.cursor] == "def add(a, b):\n    return"
    assert request.context == "a.py\nA = 1\n\nb.py\nB = 1\n\n"
    assert (request.max_tokens, request.top_p, request.temperature) == (12, 0.9, 0.0)
    assert (request.document, request.reuse) == ("http /infill 0", "exact")


async def test_the_whole_answer(http, source):
    told = (await ask(http, source, {"input_prefix": "x = ", "id_slot": 3}, "1")).json()
    assert told["content"] == "1"
    assert (told["stop"], told["stop_type"], told["model"]) == (True, "eos", "scripted")
    assert (told["tokens_predicted"], told["tokens_evaluated"]) == (1, 5)
    assert told["timings"]["prompt_per_second"] == 2000.0
    assert source.requests[0].document == "http /infill 3"


async def test_nothing_is_kept_where_nothing_is_to_be_cached(http, source):
    await ask(http, source, {"input_prefix": "x", "cache_prompt": False}, "")
    assert source.requests[0].document is None


async def test_warming_the_cache_asks_nobody(http, source):
    """llama.vim sends its chunks with ``n_predict`` 0 when nothing else is to be done."""
    warming = {**LLAMA_VIM, "n_predict": 0, "prompt": "", "response_fields": [""]}
    assert (await http.post("/infill", json=warming)).json() == {}
    assert source.requests == []


async def test_a_stream_comes_line_by_line(http, source):
    async def script() -> None:
        await until(lambda: source.requests)
        source.partial("one")
        source.partial("one\ntw")

    started = asyncio.ensure_future(script())
    body = {"input_prefix": "a\r\n", "stream": True}
    async with http.stream("POST", "/infill", json=body) as response:
        await started
        seen = events(response)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert await anext(seen) == {"index": 0, "content": "one", "stop": False}
        source.partial("one\ntwo\nthree\nf")
        assert (await anext(seen))["content"] == "\r\ntwo\r\nthree"
        source.answer("one\ntwo\nthree\nfour")
        assert (await anext(seen))["content"] == "\r\nfour"
        last = await anext(seen)
        assert (last["content"], last["stop"], last["tokens_predicted"]) == ("", True, 1)
        assert [each async for each in seen] == []


def test_extra_files_make_the_same_block_in_whatever_order():
    extra = [Extra(f"{name}.py", f"{name}\n\n") for name in "becda"]
    block = "".join(f"{name}.py\n{name}\n\n" for name in "abcde")
    assert context_of(extra) == context_of([*reversed(extra), extra[2]]) == block
    assert context_of([Extra("", "x"), Extra("blank", " \n")]) == "x\n\n"
    assert context_of([]) == ""


def test_only_the_fields_that_were_asked_for():
    answer = {"content": "x", "timings": {"prompt_n": 0}}
    assert only(answer, None) == answer
    assert only(answer, ["timings/prompt_n", "content/x", "timings/no"]) == {"timings/prompt_n": 0}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"prompt": [1, 2]}, "The body does not fit: Expected `str`, got `array` - at `$.prompt`."),
        (
            {"input_extra": [{"text": 1}]},
            "The body does not fit: Expected `str`, got `int` - at `$.input_extra[0].text`.",
        ),
        (
            {"n_predict": 2**40},
            "The body does not fit: Expected `int` <= 2147483647 - at `$.n_predict`.",
        ),
    ],
)
async def test_bad_input_is_told_in_a_sentence(http, source, body, sentence):
    response = await http.post("/infill", json=body)
    assert response.status_code == 400
    assert response.json()["error"] == {"code": -32602, "message": sentence}
    assert source.requests == []


async def test_the_product_answers_a_request_of_llama_vim(product: Running):
    body = {name: value for name, value in LLAMA_VIM.items() if name != "response_fields"}
    async with client_of(product) as http:
        first = (await http.post("/infill", json=body)).json()
        again = (await http.post("/infill", json=body)).json()
        assert again["content"] == first["content"]
        assert 0 < first["tokens_predicted"] <= 12
        assert again["timings"]["prompt_n"] == 1
        assert again["tokens_cached"] == again["tokens_evaluated"] - 1
        streamed = await http.post("/infill", json={**body, "stream": True})
        parts = [each async for each in events(streamed)]
        assert "".join(each["content"] for each in parts) == first["content"]
        assert parts[-1]["stop"]


async def test_the_product_samples_by_a_seed(product: Running):
    async with client_of(product) as http:

        async def content(**more) -> str:
            body = {"input_prefix": "def add(a, b):\n", "prompt": "    ret", "temperature": 1.5, **more}
            response = await http.post("/infill", json=body)
            assert response.status_code == 200, response.text
            return response.json()["content"]

        sampled = [await content(seed=seed) for seed in range(4)]
        assert [await content(seed=seed) for seed in range(4)] == sampled
        assert len(set(sampled)) > 1
        hot = await http.post("/infill", json={"temperature": 1000})
        assert hot.status_code == 400
        assert "temperature from 0 to 100" in hot.json()["error"]["message"]


async def test_the_product_ends_at_a_stop_string(product: Running):
    body = {"input_prefix": "def add(a, b):\n    ", "n_predict": 24, "cache_prompt": False}
    async with client_of(product) as http:
        whole = (await http.post("/infill", json=body)).json()["content"]
        assert len(whole) > 4
        word = whole[3:5]
        cut = (await http.post("/infill", json={**body, "stop": [word]})).json()
        assert cut["content"] == whole[: whole.index(word)].rstrip()
        assert cut["stop_type"] == "word"
