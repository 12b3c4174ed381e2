"""OpenAI's routes, as its clients ask them."""

import asyncio

import httpx
import pytest

from tests.assistant.conftest import Running
from tests.assistant.web.conftest import client_of, events
from tests.fakes import ScriptedSource
from tests.waiting import until

BODY = {
    "model": "anything",
    "prompt": "def add(a, b):\n    return",
    "suffix": "\n\nprint(add(1, 2))\n",
    "max_tokens": 12,
    "prediction": {"type": "content", "content": " a + b\r\n"},
}


async def ask(http: httpx.AsyncClient, source: ScriptedSource, body: dict, text: str) -> httpx.Response:
    async def answer() -> None:
        await until(lambda: source.requests)
        source.answer(text)

    response, _ = await asyncio.gather(http.post("/v1/completions", json=body), answer())
    return response


async def test_an_answer_with_a_suffix(http, source):
    told = (await ask(http, source, BODY, " a + b")).json()
    assert told["id"].startswith("cmpl-")
    assert told["object"] == "text_completion"
    assert isinstance(told["created"], int)
    assert told["model"] == "scripted"
    assert told["choices"] == [{"index": 0, "text": " a + b", "logprobs": None, "finish_reason": "stop"}]
    assert told["usage"]["total_tokens"] == 6
    assert told["usage"]["prompt_tokens_details"] == {"cached_tokens": 3}
    request = source.requests[0]
    assert request.text == BODY["prompt"] + BODY["suffix"]
    assert request.cursor == len(BODY["prompt"])
    assert (request.max_tokens, request.prediction, request.temperature) == (12, " a + b\n", 0.0)


async def test_fields_reach_the_request(http, source):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    wishes = {
        "prompt": ["x"],
        "suffix": None,
        "temperature": 0.7,
        "top_p": 0.5,
        "seed": 3,
        "stop": ";",
        "n": 1,
        "best_of": 1,
        "echo": False,
        "logit_bias": {},
        "prediction": {"type": "content", "content": parts},
    }
    await ask(http, source, wishes, "")
    request = source.requests[0]
    assert (request.text, request.cursor) == ("x", 1)
    assert (request.temperature, request.top_p, request.seed, request.stop) == (0.7, 0.5, 3, (";",))
    assert request.prediction == "ab"


async def test_two_users_have_a_cache_each(http, source):
    await ask(http, source, {"prompt": "x", "user": "me"}, "")
    assert source.requests[0].document == "http /v1/completions me"


async def test_no_tokens_are_answered_at_once(http, source):
    told = (await http.post("/v1/completions", json={**BODY, "max_tokens": 0})).json()
    assert told["choices"][0]["text"] == ""
    assert told["choices"][0]["finish_reason"] == "length"
    assert source.requests == []


async def test_a_stream_ends_with_done(http, source):
    async def script() -> None:
        await until(lambda: source.requests)
        source.partial("one\ntw")
        await asyncio.sleep(0)
        source.answer("one\ntwo")

    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    response, _ = await asyncio.gather(http.post("/v1/completions", json=body), script())
    *chunks, last, usage, done = [each async for each in events(response)]
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "one\ntwo"
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    assert len({chunk["id"] for chunk in [*chunks, last, usage]}) == 1
    assert last["choices"][0] == {"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 1)
    assert done == "[DONE]"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"n": 2}, "`n` is not to be had here; leave it out."),
        ({"best_of": 3}, "`best_of` is not to be had here; leave it out."),
        ({"echo": True}, "`echo` is not to be had here; leave it out."),
        ({"logprobs": 1}, "`logprobs` is not to be had here; leave it out."),
        ({"presence_penalty": 0.5}, "`presence_penalty` is not to be had here; leave it out."),
        ({"logit_bias": {"5": -100}}, "`logit_bias` is not to be had here; leave it out."),
        ({"prompt": ["a", "b"]}, "One prompt is answered at a time, not 2."),
        ({"prompt": []}, "One prompt is answered at a time, not 0."),
        (
            {"prediction": {"type": "diff", "content": ""}},
            "The body does not fit: Invalid enum value 'diff' - at `$.prediction.type`.",
        ),
        (
            {"prompt": "\0"},
            "The document is no text: it holds NUL or mostly control characters.",
        ),
    ],
)
async def test_bad_input_is_told_in_a_sentence(http, source, more, sentence):
    response = await http.post("/v1/completions", json={**BODY, **more})
    assert response.status_code in {400, 415}
    assert response.json()["error"]["message"] == sentence
    assert source.requests == []


async def test_the_product_answers_and_names_its_model(product: Running):
    async with client_of(product) as http:
        told = (await http.post("/v1/completions", json=BODY)).json()
        assert 0 < told["usage"]["completion_tokens"] <= 12
        models = (await http.get("/v1/models")).json()
        assert [entry["id"] for entry in models["data"]] == [told["model"]]


async def test_a_right_prediction_is_accepted(product: Running):
    body = {"prompt": "def add(a, b):\n    ", "max_tokens": 20}
    async with client_of(product) as http:
        plain = (await http.post("/v1/completions", json=body)).json()
        text = plain["choices"][0]["text"]
        told = (
            await http.post(
                "/v1/completions", json={**body, "prediction": {"type": "content", "content": text}}
            )
        ).json()
    assert told["choices"] == plain["choices"]
    assert told["usage"]["completion_tokens_details"]["accepted_prediction_tokens"] > 0
