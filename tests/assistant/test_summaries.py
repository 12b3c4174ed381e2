"""Summaries by the tiny model for whoever asks: streamed, cancelled, remembered, out of date."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest

from assistant.around import own_index
from assistant.summaries import PartBegun, Summaries, TextSoFar, event_of
from completion.config import CompletionConfig, EngineConfig
from completion.errors import BadRequest
from completion.records import EngineState
from completion.service import CompletionService
from completion.summaries.cache import Summary, SummaryCache
from completion.summaries.levels import Level
from completion.summaries.wanted import Wanted
from tests.retrieval.repositories import config_in, make_repository
from tests.waiting import until

CART = "shop/cart.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


@pytest.fixture
async def service(tiny_model_dir: Path) -> AsyncIterator[CompletionService]:
    engine = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu", threads=1)
    made = CompletionService(engine, CompletionConfig())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def summaries(service: CompletionService, tmp_path: Path) -> Summaries:
    return Summaries(service, SummaryCache(tmp_path / "summaries"), own_index(config_in(tmp_path)))


async def test_the_text_grows_into_the_summary(summaries: Summaries, root: Path) -> None:
    news = [one async for one in summaries.stream(Wanted(root, CART, "checkout"))]
    *before, made = news
    assert isinstance(made, Summary)
    assert (made.level, made.name) == ("function", "checkout")
    assert before[0] == PartBegun(0, 1, "checkout")
    texts = [one.text for one in before if isinstance(one, TextSoFar)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


@pytest.mark.parametrize(
    ("path", "symbol", "level", "name"),
    [
        (CART, "ShoppingCart.add_item", None, "ShoppingCart.add_item"),
        (CART, "add_item", Level.CLASS, "ShoppingCart"),
        (CART, "add_item", Level.FILE, CART),
        (CART, "", Level.REPOSITORY, "shop"),
        ("", "", None, "shop"),
    ],
)
async def test_a_level_names_what_is_around(
    summaries: Summaries, root: Path, path: str, symbol: str, level: Level | None, name: str
) -> None:
    made = await summaries.summarize(Wanted(root, path, symbol, level))
    assert made.name == name


async def test_who_leaves_ends_the_work(
    summaries: Summaries, service: CompletionService, root: Path, tmp_path: Path
) -> None:
    async with aclosing(summaries.stream(Wanted(root, CART, "checkout"))) as news:
        await anext(news)
    await until(lambda: service.status().waiting == 0)
    assert not (tmp_path / "summaries").exists()
    assert await summaries.known(Wanted(root, CART, "checkout")) is None


async def test_what_was_said_is_known_until_what_it_was_made_of_changes(
    summaries: Summaries, root: Path
) -> None:
    wanted = Wanted(root, CART, "checkout")
    assert await summaries.known(wanted) is None
    made = await summaries.summarize(wanted)
    known = await summaries.known(wanted)
    assert known
    assert (known.summary, known.stale) == (made, False)
    called = root / "shop/money.py"
    called.write_text(called.read_text().replace("apply_discount(price: Price)", "apply_discount(of: Price)"))
    known = await summaries.known(wanted)
    assert known
    assert (known.summary, known.stale) == (made, True)
    await summaries.summarize(wanted)
    known = await summaries.known(wanted)
    assert known
    assert not known.stale


async def test_a_buffer_stands_in_front_of_its_file(summaries: Summaries, root: Path) -> None:
    wanted = Wanted(root, CART, "unsaved", text="def unsaved():\n    return 1\n")
    assert (await summaries.summarize(wanted)).name == "unsaved"
    with pytest.raises(BadRequest, match="no single `unsaved`"):
        await summaries.summarize(Wanted(root, CART, "unsaved"))


async def test_a_model_that_was_let_go_comes_back(tiny_model_dir: Path, tmp_path: Path, root: Path) -> None:
    engine = EngineConfig(
        model=str(tiny_model_dir), weights="float32", device="cpu", threads=1, unload_after_s=0.05
    )
    service = CompletionService(engine, CompletionConfig())
    await service.start()
    try:
        await until(lambda: service.status().state is EngineState.UNLOADED)
        summaries = Summaries(service, SummaryCache(tmp_path / "s"), own_index(config_in(tmp_path)))
        assert (await summaries.summarize(Wanted(root, CART, "checkout"))).name == "checkout"
    finally:
        await service.stop()


async def test_an_error_ends_the_stream_as_it_is(summaries: Summaries, root: Path) -> None:
    with pytest.raises(BadRequest, match="nothing"):
        await anext(summaries.stream(Wanted(root, CART, "nothing")))
    assert not [task for task in asyncio.all_tasks() if "summarize" in str(task)]


def test_news_are_told_as_plain_values() -> None:
    assert event_of(PartBegun(1, 3, "f")) == {"kind": "part", "done": 1, "total": 3, "name": "f"}
    assert event_of(TextSoFar("So")) == {"kind": "text", "text": "So"}
    told = event_of(Summary("function", "f", "Does.", "m", "d"))
    assert told["kind"] == "summary"
    assert told["text"] == "Does."
