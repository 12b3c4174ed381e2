"""From an open document to the block in front of it, over a real index."""

import asyncio
import threading
from pathlib import Path

import pytest

from assistant.context import IndexedRepository, WithContext
from completion.context.keeper import BlockKeeper
from completion.context.pieces import tokens_of
from completion.records import Completion, CompletionRequest, EngineState
from retrieval.index import RepositoryIndex
from tests.fakes import TRACE
from tests.retrieval.repositories import FILES, config_in, make_repository

SECRET = "apply_discount: AKIAABCDEFGHIJKLMNOP\n"
FILES = FILES | {
    ".gitignore": "ignored.py\n",
    "ignored.py": "def apply_discount(secretly):\n    return ignored\n",
    "leaked.py": f"def apply_discount(leaked):\n    '''{SECRET}'''\n",
    ".env": SECRET,
}
CART = FILES["shop/cart.py"]
CURSOR = CART.index("cart.total")


class Answering:
    """Answers at once, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[CompletionRequest] = []
        self.forgotten: list[str] = []

    def status(self):
        raise NotImplementedError

    async def changed(self, state: EngineState) -> None:
        raise NotImplementedError

    async def complete(self, request: CompletionRequest, on_partial=None) -> Completion:
        self.requests.append(request)
        return Completion("text", TRACE)

    def forget(self, document: str) -> None:
        self.forgotten.append(document)


@pytest.fixture
def root(tmp_path):
    return make_repository(tmp_path / "shop", FILES)


@pytest.fixture
def index(root, tmp_path):
    made = RepositoryIndex(root, config_in(tmp_path))
    made.refresh()
    yield made
    made.close()


@pytest.fixture
def source():
    return Answering()


@pytest.fixture
def context(root, index, source):
    def find(path: Path) -> tuple[Path, RepositoryIndex] | None:
        return (root, index) if root in path.parents else None

    return WithContext(source, BlockKeeper(256, 30.0), find, window_chars=(6_000, 1_500))


def request(path: Path, text: str = CART, cursor: int = CURSOR, language: str = "python"):
    return CompletionRequest(text, cursor, f"1 {path.as_uri()}", language)


async def test_definitions_in_scope_stand_in_front(context, source, root):
    completion = await context.complete(request(root / "shop/cart.py"))
    block = source.requests[0].context
    assert "# shop/money.py: apply_discount\n# def apply_discount(price: Price) -> Price:" in block
    assert tokens_of(block) <= 256
    assert all(line.startswith("#") or not line for line in block.split("\n"))
    listed = completion.trace.context
    assert listed
    assert {(piece.path, piece.why) for piece in listed} >= {("shop/money.py", "symbols")}
    shown = next(piece for piece in listed if piece.first_line == 11)
    assert (root / shown.path).read_text().split("\n")[10].startswith("def apply_discount")


async def test_neither_the_file_nor_secrets_nor_what_is_ignored(context, source, root):
    completion = await context.complete(request(root / "shop/cart.py"))
    block = source.requests[0].context
    for word in ("ShoppingCart", "secretly", "leaked", "AKIA"):
        assert word not in block
    assert {piece.path for piece in completion.trace.context} <= {"shop/money.py", "README.md"}


async def test_the_block_stays_while_one_types(context, source, root):
    for typed in ("", "x", "x + apply"):
        text = CART[:CURSOR] + typed + CART[CURSOR:]
        await context.complete(request(root / "shop/cart.py", text, CURSOR + len(typed)))
    assert len({each.context for each in source.requests}) == 1


async def test_what_was_edited_a_moment_ago(context, root):
    money = FILES["shop/money.py"]
    await context.complete(request(root / "shop/money.py", money, 0))
    await context.complete(request(root / "shop/money.py", money.replace("cents = 0", "cents = 10"), 0))
    completion = await context.complete(request(root / "README.md", "Prices\n", 7))
    assert ("shop/money.py", "edited") in {(piece.path, piece.why) for piece in completion.trace.context}


@pytest.mark.parametrize("document", [None, "1 untitled:Untitled-1", "1 file:///elsewhere/x.py", "key"])
async def test_without_a_folder_there_is_no_block(context, source, document):
    completion = await context.complete(CompletionRequest(CART, CURSOR, document, "python"))
    assert source.requests[0].context == ""
    assert completion.trace.context == ()


async def test_a_block_of_the_client_stays(context, source, root):
    own = CompletionRequest(
        CART, CURSOR, f"1 {(root / 'shop/cart.py').as_uri()}", "python", context="# own\n"
    )
    await context.complete(own)
    assert source.requests[0].context == "# own\n"


async def test_a_search_that_takes_long_is_not_waited_for(root, index, source, monkeypatch):
    context = WithContext(
        source, BlockKeeper(256, 0.03), lambda path: (root, index), window_chars=(6_000, 1_500)
    )
    search = IndexedRepository.search

    def slow(self, path: str, query: str, k: int):
        released.wait(30.0)
        return search(self, path, query, k)

    released = threading.Event()
    monkeypatch.setattr(IndexedRepository, "search", slow)
    await asyncio.wait_for(context.complete(request(root / "shop/cart.py")), 10.0)
    assert source.requests[0].context == ""
    released.set()
    await context._keeper._kept[f"1 {(root / 'shop/cart.py').as_uri()}"].running
    await context.complete(request(root / "shop/cart.py"))
    assert "apply_discount" in source.requests[1].context


async def test_a_closed_document_is_forgotten(context, source, root):
    document = f"1 {(root / 'shop/cart.py').as_uri()}"
    await context.complete(request(root / "shop/cart.py"))
    context.forget(document)
    assert source.forgotten == [document]
    assert context._keeper._kept == {}
