import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.detokenize import ByteDecoder


def test_a_character_is_held_back_until_its_last_byte() -> None:
    decoder = ByteDecoder()
    smile = "😀".encode()
    assert [decoder.feed(smile[i : i + 1]) for i in range(4)] == ["", "", "", "😀"]


def test_what_is_incomplete_at_the_end_is_replaced() -> None:
    decoder = ByteDecoder()
    assert decoder.feed(b"ok \xe2\x82") == "ok "
    assert decoder.finish() == "\ufffd"
    assert decoder.feed(b"x") == "x"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a\xffb", "a\ufffdb"), (b"\xc3(", "\ufffd("), (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd")],
)
def test_bytes_that_are_no_text_are_replaced_at_once(data: bytes, text: str) -> None:
    decoder = ByteDecoder()
    assert decoder.feed(data) + decoder.finish() == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.data())
def test_any_cutting_of_a_text_gives_the_text(text: str, data: st.DataObject) -> None:
    decoder, rest, spelled = ByteDecoder(), text.encode(), ""
    while rest:
        size = data.draw(st.integers(1, 5))
        spelled, rest = spelled + decoder.feed(rest[:size]), rest[size:]
        assert text.startswith(spelled)
    assert spelled + decoder.finish() == text


@given(st.lists(st.binary(max_size=4)))
def test_any_bytes_in_any_pieces_read_like_all_at_once(pieces: list[bytes]) -> None:
    decoder = ByteDecoder()
    spelled = "".join(map(decoder.feed, pieces)) + decoder.finish()
    assert spelled == b"".join(pieces).decode("utf-8", errors="replace")
