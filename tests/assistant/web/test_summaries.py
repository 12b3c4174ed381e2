"""``POST /summaries``: streamed to who stays, ended for who leaves, one sentence for whoever asks wrongly."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.errors import BadParams
from assistant.web.summaries import SummaryWish, wanted_of
from completion.summaries.levels import Level
from completion.summaries.wanted import Wanted
from tests.assistant.conftest import Running, running_server, settings_for
from tests.assistant.web.conftest import client_of, events
from tests.retrieval.repositories import config_in, make_repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


@pytest.fixture
async def running(
    tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = replace(settings_for(tmp_path / "state", tiny_model_dir), retrieval=config_in(tmp_path))
    async with running_server(settings) as server:
        yield server


async def test_a_summary_is_streamed_and_found_again(running: Running, root: Path, tmp_path: Path):
    wish = {"root": str(root), "path": "shop/cart.py", "symbol": "checkout"}
    async with client_of(running) as web:
        async with web.stream("POST", "/summaries", json=wish) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            seen = [event async for event in events(answer)]
        kinds = [event["kind"] for event in seen]
        assert (kinds[0], kinds[-1]) == ("part", "summary")
        assert set(kinds[1:-1]) <= {"text"}
        assert (seen[-1]["level"], seen[-1]["name"]) == ("function", "checkout")
        again = await web.post("/summaries", json=wish)
        assert [event async for event in events(again)][-1] == seen[-1]
        (folder,) = (await web.get("/workspaces")).json()["workspaces"]
        assert (folder["root"], folder["state"]) == (str(root), "ready")
    assert len(list((tmp_path / "cache/splice/summaries").iterdir())) == 2


async def test_the_last_summary_is_known_and_goes_out_of_date(running: Running, root: Path):
    wish = {"root": str(root), "path": "shop/cart.py", "symbol": "checkout", "level": "function"}
    async with client_of(running) as web:

        async def known() -> dict[str, Any] | None:
            answer = await web.get("/summaries", params=wish)
            assert answer.status_code == 200
            return answer.json()["known"]

        assert await known() is None
        told = [event async for event in events(await web.post("/summaries", json=wish))][-1]
        del told["kind"]
        assert await known() == {**told, "stale": False}
        cart = root / "shop/cart.py"
        cart.write_text(cart.read_text("utf-8").replace("def checkout(", "def checkout(later, "), "utf-8")
        now = await known()
        assert now is not None
        assert (now["text"], now["stale"]) == (told["text"], True)
        refused = await web.get("/summaries", params=wish | {"root": "shop"})
        assert refused.status_code == 400
        assert "absolute" in refused.json()["error"]["message"]


async def test_who_leaves_ends_the_work(running: Running, root: Path, tmp_path: Path):
    for number in range(40):
        (root / f"shop/more{number}.py").write_text(f"def f{number}():\n" + "    print('hello')\n" * 40)
    async with client_of(running) as web:
        async with web.stream("POST", "/summaries", json={"root": str(root)}) as answer:
            async for event in events(answer):
                if event["kind"] == "part" and event["done"] == 2:
                    break
        while (await web.get("/status")).json()["waiting"]:  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.02)
        done = len(list((tmp_path / "cache/splice/summaries").glob("[0-9a-f]*.json")))
        assert 2 <= done < 20


@pytest.mark.parametrize(
    ("wish", "status", "sentence"),
    [
        ({"path": "shop/cart.py"}, 400, "`root` is the absolute path"),
        ({"root": "shop"}, 400, "`root` is the absolute path"),
        ({"root": "ROOT", "level": "line"}, 400, "no level `line`"),
        ({"root": "ROOT", "path": "../outside.py"}, 400, "outside"),
        ({"root": "ROOT", "path": "gone.py"}, 422, "not a file"),
        ({"root": "ROOT", "path": ".env"}, 422, "secrets"),
        ({"root": "ROOT", "path": "shop/cart.py", "symbol": "gone"}, 400, "no single `gone`"),
        ({"root": 3}, 400, "does not fit"),
    ],
)
async def test_a_wrong_wish_is_one_sentence(
    running: Running, root: Path, wish: dict[str, object], status: int, sentence: str
):
    given = {name: str(root) if value == "ROOT" else value for name, value in wish.items()}
    async with client_of(running) as web:
        answer = await web.post("/summaries", json=given)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]


async def test_a_stranger_is_told_nothing(running: Running, root: Path):
    async with httpx.AsyncClient(base_url=running.url) as stranger:
        assert (await stranger.post("/summaries", json={"root": str(root)})).status_code == 401


async def test_a_server_without_summaries_says_so(http: httpx.AsyncClient):
    answer = await http.post("/summaries", json={"root": "/a"})
    assert answer.status_code == 404
    assert "Nothing is summarised" in answer.json()["error"]["message"]


def test_a_body_names_what_is_wanted():
    wish = SummaryWish(root="/a", path="b.py", symbol="f", level="class")
    assert wanted_of(wish) == Wanted(Path("/a"), "b.py", "f", Level.CLASS)
    with pytest.raises(BadParams):
        wanted_of(SummaryWish(root="/a\0"))
