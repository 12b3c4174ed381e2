"""A buffer over a file says what the file would say were it saved."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.index import RepositoryIndex
from retrieval.records import Found
from retrieval.snapshot import Snapshot
from tests.retrieval.repositories import FILES, config_in, make_repository, write_files

PIECES = st.lists(
    st.sampled_from([
        "def add_prices():\n    return Price()\n", "def gift():\n    return apply_discount()\n",
        "import shop.cart\n", "class Price:\n    pass\n", "zebra = 1\n",
    ]),
    max_size=4,
)  # fmt: skip


@pytest.fixture
def index(tmp_path):
    made = RepositoryIndex(make_repository(tmp_path / "shop"), config_in(tmp_path))
    made.refresh()
    yield made
    made.close()


def told(index):
    names = ("Price", "gift", "apply_discount", "add_prices", "checkout")
    return {
        "chunks": [each.chunk for each in index.chunks("shop/money.py")],
        "outline": index.outline("shop/money.py"),
        "definitions": [sorted(index.definitions(name), key=str) for name in names],
        "callers": [index.callers(name) for name in names],
        "callees": sorted(index.callees("shop/cart.py", "checkout"), key=str),
        "neighbours": [index.neighbours(path) for path in FILES],
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_an_unsaved_text_is_told_as_a_saved_one(index, pieces):
    text = "\n\n".join(pieces)
    index.overlay("shop/money.py", text)
    unsaved = told(index)
    index.forget_overlay("shop/money.py")
    write_files(index.root, {"shop/money.py": text})
    index.touch(["shop/money.py"])
    assert unsaved == told(index)


def test_ids_below_zero_are_the_buffers_and_changed_chunks_are_gone(index):
    held = {each.chunk.name: each.id for each in index.chunks("shop/money.py")}
    text = FILES["shop/money.py"].replace("return price", "return voucher_less(price)")
    index.overlay("shop/money.py", "\n" + text)
    now = {each.chunk.name: each.id for each in index.chunks("shop/money.py")}
    assert now["add_prices"] == held["add_prices"] > 0 > now["apply_discount"]
    with index.catalog.reading() as connection:
        snapshot = Snapshot(connection, index._overlay.view())
        shown = snapshot.chunks([*held.values(), *now.values(), 10**6, -99])
        assert shown.keys() == set(now.values())
        ranked = [Found(held["apply_discount"], 2.0), Found(held["add_prices"], 1.0)]
        merged = snapshot.with_unsaved("voucher_less", ranked)
        assert [each.chunk_id for each in merged] == [now["apply_discount"], held["add_prices"]]
