"""Inside and outside: laws over any mixture of line ends and lone surrogates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.textform import inside_offset, is_text, line_end, outside_offset, to_inside, to_outside

texts = st.text(st.sampled_from("ab\n\ré👩\ud800\udc00"), max_size=30)


@given(texts)
def test_inside_has_one_line_end_and_can_be_encoded(text):
    inside = to_inside(text)
    assert "\r" not in inside
    inside.encode()
    assert to_inside(inside) == inside


@given(texts, st.data())
def test_offsets_cut_both_forms_at_the_same_place(text, data):
    offset = data.draw(st.integers(0, len(text)))
    if text[max(offset - 1, 0) : offset + 1] == "\r\n":
        assert inside_offset(text, offset) == inside_offset(text, offset - 1)
        return
    inside = inside_offset(text, offset)
    assert to_inside(text)[:inside] == to_inside(text[:offset])
    assert outside_offset(text, inside) == offset


@given(texts)
def test_what_needs_no_change_is_not_copied(text):
    if "\r" not in text and not any("\ud800" <= char <= "\udfff" for char in text):
        assert to_inside(text) is text


@pytest.mark.parametrize(
    ("text", "end"),
    [("", "\n"), ("a\r\nb\nc\r\n", "\r\n"), ("a\rb\rc\n", "\r"), ("a\nb", "\n"), ("a\r\nb", "\r\n")],
)
def test_the_line_end_used_most(text, end):
    assert line_end(text) == end
    assert to_outside("x\ny", line_end(text)) == f"x{end}y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("def f():\n\treturn '\x1b[0m'\f\n", True),
        ("漢字 ünïcode 👩", True),
        ("lone \ud800 surrogate", True),
        ("\x7fELF\x02\x01\x01\0\0\0", False),
        ("\ufffd\x01 little of it", True),
        ("PK\x03\x04\x14\x06\x08" * 3, False),
        ("\ufffd\ufffd\ufffdab" * 3, False),
    ],
)
def test_what_counts_as_text(text, expected):
    assert is_text(text) is expected
