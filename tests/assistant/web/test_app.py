"""The routes, as a browser and an editor use them."""

import httpx
import pytest

from assistant.web.app import code_of
from tests.assistant.client import connected


@pytest.fixture
async def browser(scripted):
    async with httpx.AsyncClient(base_url=scripted.url) as browser:
        yield browser


async def test_the_login_link_sets_the_cookie_and_is_good_once(scripted, browser):
    welcome = await browser.get(scripted.login_url)
    assert welcome.status_code == 200
    cookie = welcome.headers["set-cookie"]
    assert cookie.startswith(f"splice_token={scripted.token};")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "samesite=strict",
        "path=/",
    }
    assert 'content="0; url=/"' in welcome.text
    assert scripted.token not in welcome.text
    assert (await browser.get("/status")).status_code == 200
    async with httpx.AsyncClient() as stranger:
        again = await stranger.get(scripted.login_url)
    assert again.status_code == 401
    assert "set-cookie" not in again.headers
    assert "used already" in again.text


@pytest.mark.parametrize("query", ["", "?code=", "?code=wrong", "?code[]=x", "?token=x"])
async def test_a_wrong_code(browser, query):
    answer = await browser.get(f"/login{query}")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_new_login_link_for_whoever_has_the_token(scripted, browser):
    assert (await browser.post("/login-code")).status_code == 401
    headers = {"Authorization": f"Bearer {scripted.token}"}
    code = (await browser.post("/login-code", headers=headers)).json()["code"]
    assert (await browser.get(f"/login?code={code}")).status_code == 200


async def test_health_is_open_and_tells_little(browser):
    answer = await browser.get("/health")
    assert answer.status_code == 200
    assert set(answer.json()) == {"state", "version"}


async def test_the_status_counts(scripted, source, browser):
    browser.headers["Authorization"] = f"Bearer {scripted.token}"
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        told = (await browser.get("/status")).json()
        assert told["connections"] == 1
        assert told["detail"] == "scripted"
        assert told["events"] == {}


async def test_the_playground_or_how_to_build_it(scripted, browser):
    browser.headers["Authorization"] = f"Bearer {scripted.token}"
    answer = await browser.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.status_code in {200, 503}


async def test_what_is_not_there(scripted, browser):
    browser.headers["Authorization"] = f"Bearer {scripted.token}"
    answer = await browser.get("/no/such")
    assert answer.status_code == 404
    assert answer.json()["error"] == {"code": -32600, "message": "There is nothing at /no/such."}


async def test_a_wrong_method_is_no_matter_of_the_token(scripted, browser):
    browser.headers["Authorization"] = f"Bearer {scripted.token}"
    answer = await browser.delete("/status")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, -32037), (403, -32037), (404, -32600), (405, -32600), (413, -32033), (500, -32603)],
)
def test_the_code_follows_from_the_status(status, code):
    assert code_of(status) == code


async def test_too_many_clients(scripted_server):
    async with (
        scripted_server(max_connections=1) as running,
        connected(running.url, running.token) as first,
    ):
        await first.initialize()
        async with connected(running.url, running.token) as second:
            await second.socket.wait_closed()
            assert second.socket.close_code == 1013
            assert second.socket.close_reason == "At most 1 clients may be connected."
        await first.open("")
