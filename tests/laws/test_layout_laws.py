"""Laws of ``completion.window``: what holds for every text, cursor, budget and previous layout."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.config import CompletionConfig
from completion.window import Layout, lay_out

_LINES = st.lists(st.text(alphabet="ab (😀", max_size=60), max_size=60)
TEXTS = st.one_of(st.text(alphabet="a\n ", max_size=300), _LINES.map("\n".join), st.just("x" * 700))
CONFIGS = st.builds(
    CompletionConfig,
    prefix_chars=st.integers(0, 400),
    suffix_chars=st.integers(0, 200),
    tail_lines=st.integers(0, 4),
    tail_max_chars=st.integers(0, 120),
)
NUMBERS = st.integers(-5, 800)
LAYOUTS = st.none() | st.builds(Layout, NUMBERS, NUMBERS, NUMBERS)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, int]:
    text = draw(TEXTS)
    return text, draw(st.integers(0, len(text)))


def parts(text: str, cursor: int, layout: Layout) -> tuple[str, str, str, str, str]:
    end = len(text) - layout.end_from_end
    return (
        text[: layout.start],
        text[layout.start : layout.anchor],
        text[layout.anchor : cursor],
        text[cursor:end],
        text[end:],
    )


@given(documents(), LAYOUTS, CONFIGS)
def test_the_parts_tile_the_text(
    document: tuple[str, int], previous: Layout | None, config: CompletionConfig
) -> None:
    text, cursor = document
    layout = lay_out(text, cursor, previous, config)
    assert 0 <= layout.start <= layout.anchor <= cursor <= len(text) - layout.end_from_end <= len(text)
    assert "".join(parts(text, cursor, layout)) == text


@given(documents(), LAYOUTS, CONFIGS)
def test_budgets_hold(document: tuple[str, int], previous: Layout | None, config: CompletionConfig) -> None:
    text, cursor = document
    _, prefix, tail, suffix, _ = parts(text, cursor, lay_out(text, cursor, previous, config))
    assert len(prefix) + len(tail) <= config.prefix_chars
    assert len(tail) <= config.tail_max_chars
    assert len(suffix) <= config.suffix_chars


@given(documents(), LAYOUTS, CONFIGS)
def test_windows_are_never_much_too_short(
    document: tuple[str, int], previous: Layout | None, config: CompletionConfig
) -> None:
    text, cursor = document
    cut, prefix, tail, suffix, rest = parts(text, cursor, lay_out(text, cursor, previous, config))
    assert not cut or len(prefix) + len(tail) >= config.prefix_chars // 2
    assert not rest or len(suffix) >= config.suffix_chars // 2


@given(documents(), LAYOUTS, CONFIGS)
def test_a_layout_is_its_own_successor(
    document: tuple[str, int], previous: Layout | None, config: CompletionConfig
) -> None:
    text, cursor = document
    layout = lay_out(text, cursor, previous, config)
    assert lay_out(text, cursor, layout, config) == layout


@given(documents(), LAYOUTS, CONFIGS)
def test_equal_questions_get_equal_layouts(
    document: tuple[str, int], previous: Layout | None, config: CompletionConfig
) -> None:
    text, cursor = document
    again = lay_out(str(text), cursor, replace(previous) if previous else None, replace(config))
    assert again == lay_out(text, cursor, previous, config)


@given(documents(), LAYOUTS, CONFIGS, st.sampled_from("x \n)"))
def test_typing_changes_nothing_until_a_budget_is_used_up(
    document: tuple[str, int], previous: Layout | None, config: CompletionConfig, typed: str
) -> None:
    text, cursor = document
    old = lay_out(text, cursor, previous, config)
    new = lay_out(text[:cursor] + typed + text[cursor:], cursor + 1, old, config)
    tail_budget = min(config.tail_max_chars, config.prefix_chars // 2)
    if cursor + 1 - old.start <= config.prefix_chars:
        assert new.start == old.start
    tail = text[old.anchor : cursor] + typed
    if len(tail) <= tail_budget and tail.count("\n") <= config.tail_lines + 22:
        assert new.anchor == old.anchor
    assert new.end_from_end == old.end_from_end


@given(documents())
def test_the_anchor_stands_at_a_line_start(document: tuple[str, int]) -> None:
    text, cursor = document
    anchor = lay_out(text, cursor, None, CompletionConfig()).anchor
    own_line = len(text[:cursor].rpartition("\n")[2])
    if own_line <= 300:
        assert anchor == 0 or text[anchor - 1] == "\n"


def count_cuts(line: str, config: CompletionConfig) -> tuple[int, int, int]:
    """How often start, anchor and end change while 5,000 characters are typed in a long file."""
    head, rest = "head of the file\n" * 600, "\nrest of the file" * 300
    text, cursor = head + rest, len(head)
    layout = lay_out(text, cursor, None, config)
    changes = [0, 0, 0]
    for index in range(5_000):
        text = text[:cursor] + line[index % len(line)] + text[cursor:]
        cursor += 1
        new = lay_out(text, cursor, layout, config)
        changes[0] += new.start != layout.start
        changes[1] += new.anchor != layout.anchor
        changes[2] += new.end_from_end != layout.end_from_end
        layout = new
    return changes[0], changes[1], changes[2]


@pytest.mark.parametrize(
    ("line", "most_anchors"), [("    total += price * amount\n", 12), ("min(a,b);", 12), ("x\n", 125)]
)
def test_typing_a_lot_cuts_seldom(line: str, most_anchors: int) -> None:
    starts, anchors, ends = count_cuts(line, CompletionConfig())
    assert 1 <= starts <= 4
    assert 1 <= anchors <= most_anchors
    assert ends == 0


@given(documents(), st.integers(0, 300), CONFIGS)
def test_a_cursor_that_moved_has_a_short_tail(
    document: tuple[str, int], elsewhere: int, config: CompletionConfig
) -> None:
    """Its suffix begins elsewhere, so the tail is encoded anew: a short one costs less from then on."""
    text, cursor = document
    here = lay_out(text, min(elsewhere, len(text)), None, config)
    there = lay_out(text, cursor, here, config)
    if cursor != min(elsewhere, len(text)):
        assert text.count("\n", there.anchor, cursor) <= config.tail_lines + 2


def test_a_cursor_that_moves_down_takes_the_anchor_along_in_steps() -> None:
    text = "a line of code\n" * 500
    layout, anchors = None, set[int]()
    for cursor in range(0, len(text), 15):
        layout = lay_out(text, cursor, layout, CompletionConfig())
        anchors.add(layout.anchor)
        assert text.count("\n", layout.anchor, cursor) >= min(1, cursor // 15)
    assert len(anchors) <= 500 // 2
