"""Positions: laws over any text and encoding, an oracle by plain encoding, and the clamping of LSP."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.lsp.positions import Position, PositionEncoding, offset_of, position_of, width

CODECS = {
    PositionEncoding.UTF8: ("utf-8", 1),
    PositionEncoding.UTF16: ("utf-16-le", 2),
    PositionEncoding.UTF32: ("utf-32-le", 4),
}
# Surrogates, emoji, CJK, combining marks, every line end and those that are none to LSP.
texts = st.text(st.sampled_from("ab \t\n\r\u2028\x0b\x85é漢́👩🏽\ud800\udc00"), max_size=40)
encodings = st.sampled_from(list(PositionEncoding))


def units(text: str, encoding: PositionEncoding) -> int:
    codec, size = CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


@given(texts, encodings, st.data())
def test_every_offset_round_trips(text, encoding, data):
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n" and offset:
        offset -= 1
    assert offset_of(text, position_of(text, offset, encoding), encoding) == offset


@given(texts, encodings, st.data())
def test_a_position_agrees_with_plain_splitting(text, encoding, data):
    lines = re.split(r"\r\n|\r|\n", text)
    line = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[line])))
    position = Position(line, units(lines[line][:column], encoding))
    offset = offset_of(text, position, encoding)
    assert text[:offset].endswith(lines[line][:column])
    assert len(re.split(r"\r\n|\r|\n", text[:offset])) == line + 1
    assert position_of(text, offset, encoding) == position


@given(texts, encodings)
def test_the_width_is_the_encodings(text, encoding):
    assert width(text, encoding) == units(text, encoding)


@given(texts, encodings, st.integers(0, 10), st.integers(0, 2**31 - 1))
def test_any_position_is_clamped_into_its_line(text, encoding, line, character):
    lines = re.split(r"\r\n|\r|\n", text)
    offset = offset_of(text, Position(line, character), encoding)
    assert 0 <= offset <= len(text)
    if line >= len(lines):
        assert offset == len(text)
    else:
        assert position_of(text, offset, encoding).line == line


@pytest.mark.parametrize(
    ("encoding", "character", "offset"),
    [
        (PositionEncoding.UTF8, 4, 1),
        (PositionEncoding.UTF8, 3, 0),
        (PositionEncoding.UTF16, 2, 1),
        (PositionEncoding.UTF16, 1, 0),
        (PositionEncoding.UTF32, 1, 1),
    ],
)
def test_emoji_in_front_of_the_cursor(encoding, character, offset):
    assert offset_of("👩x\n", Position(0, character), encoding) == offset


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_behind_the_end_of_a_line_is_its_end(end):
    text = f"ab{end}cd"
    assert offset_of(text, Position(0, 99), PositionEncoding.UTF16) == 2
    assert offset_of(text, Position(1, 99), PositionEncoding.UTF16) == len(text)
    assert offset_of(text, Position(99, 0), PositionEncoding.UTF16) == len(text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", [0, 1, 4093, 4094, 4095, 4096, 4097])
def test_lines_around_a_stretch(before, end):
    text = "x" * before + end * 9000 + "y"
    for line in (0, 1, 2, 4095, 4096, 4097, 8999, 9000):
        offset = offset_of(text, Position(line, 0), PositionEncoding.UTF16)
        assert offset == (before + line * len(end) if line else 0)
        assert position_of(text, offset, PositionEncoding.UTF16) == Position(line, 0)


def test_a_late_line_of_a_large_text_is_found_quickly():
    text = "x\n" * 1_000_000
    assert offset_of(text, Position(2**31 - 1, 2**31 - 1), PositionEncoding.UTF16) == len(text)
    assert offset_of(text, Position(999_999, 1), PositionEncoding.UTF16) == len(text) - 1
