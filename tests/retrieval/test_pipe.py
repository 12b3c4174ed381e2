"""Values between two processes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.pipe import receive, send, unpickled


@given(st.lists(st.lists(st.text())))
def test_what_was_sent_arrives_in_order(values: list[list[str]]):
    stream = io.BytesIO()
    for value in values:
        send(stream, value)
    stream.seek(0)
    assert [unpickled(receive(stream)) for _ in values] == values
    with pytest.raises(EOFError):
        receive(stream)


@pytest.mark.parametrize("lost", [1, 8, 20])
def test_a_part_of_a_value_is_none(lost: int):
    stream = io.BytesIO()
    send(stream, "some words")
    with pytest.raises(EOFError):
        receive(io.BytesIO(stream.getvalue()[:-lost]))
