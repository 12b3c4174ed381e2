"""Between LSP's words and ours."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.document import Document, Edit
from assistant.errors import BadParams
from assistant.lsp.convert import (
    choose_encoding,
    edit_maker,
    edit_of,
    item_of,
    items_of,
    split_at_whole,
    status_of,
    trace_of,
    trigger_of,
)
from assistant.lsp.messages import Change, Place, Span
from assistant.lsp.positions import PositionEncoding, position_of
from assistant.session import Answer
from completion.records import EngineState, ServiceStatus, Trigger
from tests.fakes import TRACE

texts = st.text(st.sampled_from("ab\n\r漢👩"), max_size=12)
encodings = st.sampled_from(list(PositionEncoding))


def place(text: str, offset: int, encoding: PositionEncoding) -> Place:
    return Place(*position_of(text, offset, encoding))


@given(texts, encodings, st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), texts), max_size=5))
def test_a_clients_edit_script_equals_slicing(text, encoding, script):
    """The client keeps its own text and sends ranges of it, as an editor does."""
    mine, changes = text, []
    for a, b, new in script:
        low, high = sorted((a % (len(mine) + 1), b % (len(mine) + 1)))
        # An editor never puts its cursor between \r and \n, because no position names that place.
        low, high = (at - (mine[max(at - 1, 0) : at + 1] == "\r\n") for at in (low, high))
        changes.append(Change(new, Span(place(mine, low, encoding), place(mine, high, encoding))))
        mine = mine[:low] + new + mine[high:]
    document = Document(max_chars=1000)
    document.replace(1, text)
    document.edit(2, [edit_maker(change, encoding) for change in changes])
    assert document.text == mine


def test_a_reversed_range_is_refused():
    span = Span(Place(0, 2), Place(0, 1))
    with pytest.raises(BadParams, match="ends before it starts"):
        edit_of("abc", span, "", PositionEncoding.UTF16)


def test_a_change_without_a_range_is_the_whole_text():
    assert edit_maker(Change("new"), PositionEncoding.UTF16)("old text") == Edit(0, 8, "new")


def test_a_range_behind_the_end_is_clamped():
    span = Span(Place(7, 7), Place(9, 9))
    assert edit_of("abc", span, "x", PositionEncoding.UTF16) == Edit(3, 3, "x")


def test_the_last_whole_text_counts():
    span = Span(Place(0, 0), Place(0, 0))
    parts = [Change("a", span), Change("b"), Change("c"), Change("d", span)]
    assert split_at_whole(parts) == ("c", parts[3:])
    assert split_at_whole(parts[:1]) == (None, parts[:1])


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32"], "utf-32"),
        (["latin-1", "utf-16"], "utf-16"),
        (["klingon"], "utf-16"),
    ],
)
def test_the_clients_first_known_encoding_is_chosen(offered, chosen):
    assert choose_encoding(offered) == chosen


@pytest.mark.parametrize(
    ("kind", "zero_based", "trigger"),
    [
        (0, True, Trigger.INVOKED),
        (1, True, Trigger.AUTOMATIC),
        (1, False, Trigger.INVOKED),
        (2, False, Trigger.AUTOMATIC),
        (2, True, Trigger.AUTOMATIC),
    ],
)
def test_trigger_kinds(kind, zero_based, trigger):
    assert trigger_of(kind, zero_based=zero_based) is trigger


def test_an_item():
    item = item_of(Answer("id7", 3, 3, "x\n", TRACE), "👩\nab", PositionEncoding.UTF16)
    assert item["insertText"] == "x\n"
    assert item["range"] == {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 1}}
    assert item["command"]["command"] == "splice.accept"
    assert item["command"]["arguments"] == ["id7"]
    assert item["splice"]["id"] == "id7"
    assert items_of(None, "", PositionEncoding.UTF8) == {"items": []}


def test_a_trace_is_camel_case_json_without_tokens():
    trace = trace_of(TRACE)
    assert trace["firstTokenMs"] == 2.0
    assert trace["reuse"]["prompt"] == 5
    assert trace["reuse"]["exact"] is True
    told = json.dumps(trace)
    assert "ids" not in told.lower()
    assert not re.search(r'"\w*_\w*":', told)


def test_a_status_is_camel_case_json():
    status = status_of(ServiceStatus(EngineState.LOADING, "Loading.", cache_bytes=3))
    assert json.loads(json.dumps(status))["cacheBytes"] == 3
    assert status["state"] == "loading"
