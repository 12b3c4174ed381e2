"""Examples for ``completion.window``; its laws are in ``tests/laws/test_layout_laws.py``."""

import pytest

from completion.config import CompletionConfig
from completion.errors import BadRequest
from completion.window import Layout, lay_out


def test_a_short_document_is_shown_whole_and_its_last_lines_stand_in_the_tail() -> None:
    text = "one\ntwo\nthree\nfour\nfive"
    cursor = text.index("ur\n")
    layout = lay_out(text, cursor, None, CompletionConfig())
    assert layout == Layout(0, text.index("two"), end_from_end=0, cursor_from_end=len(text) - cursor)


def test_at_the_top_everything_is_tail() -> None:
    assert lay_out("def f():\n    ", 13, None, CompletionConfig()) == Layout(0, 0, 0)


def test_moving_up_within_the_tail_keeps_the_anchor_while_a_whole_line_is_left() -> None:
    text = "zero\none\ntwo\nthree\n"
    first = lay_out(text, text.index("three"), None, CompletionConfig())
    assert first.anchor == text.index("one")
    assert lay_out(text, text.index("two"), first, CompletionConfig()).anchor == first.anchor
    assert lay_out(text, text.index("one"), first, CompletionConfig()).anchor == 0


def test_an_edit_above_the_window_cuts_anew_at_a_line_start() -> None:
    text = "".join(f"line number {number}\n" for number in range(2_000))
    layout = lay_out(text, len(text), None, CompletionConfig())
    assert layout.start > 0
    moved = "x" + text
    again = lay_out(moved, len(moved), layout, CompletionConfig())
    assert moved[again.start - 1] == "\n"
    assert moved[again.anchor - 1] == "\n"


def test_one_long_line_is_cut_inside() -> None:
    text = "f(x);" * 4_000
    layout = lay_out(text, 10_000, None, CompletionConfig())
    assert 3_000 <= 10_000 - layout.start <= 6_000
    assert 300 <= 10_000 - layout.anchor <= 1_200
    assert 750 <= len(text) - layout.end_from_end - 10_000 <= 1_500


@pytest.mark.parametrize("cursor", [-1, 4])
def test_a_cursor_outside_the_text_is_refused(cursor: int) -> None:
    with pytest.raises(BadRequest, match="outside the text"):
        lay_out("abc", cursor, None, CompletionConfig())


def test_an_edit_below_the_window_cuts_anew_at_a_line_start() -> None:
    text = "".join(f"line number {number}\n" for number in range(2_000))
    layout = lay_out(text, 0, None, CompletionConfig())
    longer = text + "x"
    end = len(longer) - lay_out(longer, 0, layout, CompletionConfig()).end_from_end
    assert longer[end - 1] == "\n"
