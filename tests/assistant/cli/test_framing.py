"""The stdio frames: any text survives any cutting of the stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.cli.errors import FramingError
from assistant.cli.framing import MAX_BODY_BYTES, MAX_HEADER_BYTES, FrameDecoder, encode

MESSAGES = st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=5)


@given(messages=MESSAGES, cuts=st.lists(st.integers(1, 40), min_size=1))
def test_messages_survive_any_cutting(messages: list[str], cuts: list[int]):
    stream = b"".join(encode(message) for message in messages)
    decoder, seen, at, turn = FrameDecoder(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        seen += decoder.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert seen == messages
    assert decoder.pending == 0


def test_length_counts_bytes_not_characters():
    assert encode("é🙂") == "Content-Length: 6\r\n\r\né🙂".encode()


def test_other_headers_and_any_case_are_accepted():
    frame = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-LENGTH:  2\r\n\r\n{}"
    assert list(FrameDecoder().feed(frame)) == ["{}"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"Content-Type: x\r\n\r\n{}", "no Content-Length"),
        (b"Content-Length: two\r\n\r\n{}", "not a number"),
        (b"Content-Length: -1\r\n\r\n{}", "not a number"),
        (b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), "exceeds"),
        (b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", "exceeds"),
        (b"x" * (MAX_HEADER_BYTES + 1), "exceeds"),
        (b"Content-Length: 2\r\n\r\n\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_lsp_gets_a_sentence(data: bytes, sentence: str):
    with pytest.raises(FramingError, match=sentence):
        list(FrameDecoder().feed(data))


def test_a_frame_cut_off_is_pending():
    decoder = FrameDecoder()
    assert list(decoder.feed(b"Content-Length: 5\r\n\r\nab")) == []
    assert decoder.pending == 2
