"""Laws of the block: its budget, its order, and what never stands in it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.context.block import WORTH_IT, changed, render, size
from completion.context.pieces import Excerpt, Piece, Why, tokens_of
from completion.context.shaping import overlap

LINES = st.sampled_from(["value = 1", "def f(x):", "    return x", "", "call(value, other)", "éé = 'ü'"])


def piece(path: str, text: str = "value = 1", score: float = 1.0, start: int = 0) -> Piece:
    return Piece(Excerpt(path, start, start + text.count("\n") + 1, text), Why.SIMILAR, score)


@st.composite
def rankings(draw: st.DrawFn) -> list[Piece]:
    """Candidates of one place, best first; of equal excerpts one."""
    found = draw(
        st.lists(
            st.builds(
                piece,
                st.sampled_from(["a.py", "b.py", "c.py", "d.py"]),
                st.lists(LINES, min_size=1, max_size=12).map("\n".join),
                st.floats(0.01, 1.0),
                st.integers(0, 30),
            ),
            max_size=10,
            unique_by=lambda each: each.excerpt,
        )
    )
    return sorted(found, key=lambda each: -each.score)


def block(found: list[Piece], budget: int = 512, *, held: tuple[Piece, ...] = (), window: str = "zzz"):
    return changed(held, found, budget, language="python", window=window)


@given(
    st.lists(rankings(), max_size=4), st.integers(0, 200), st.sampled_from(["python", "typescript", "sql"])
)
def test_never_more_than_the_budget(places: list[list[Piece]], budget: int, language: str):
    held: tuple[Piece, ...] = ()
    for found in places:
        held = changed(held, found, budget, language=language, window="zzz")
        assert size(held, language) <= budget
        assert tokens_of(render(held, language)) <= budget


@given(st.data(), st.integers(20, 120))
def test_what_is_kept_keeps_its_order_in_front(data: st.DataObject, budget: int):
    known = [piece(f"{letter}.py") for letter in "abcdefgh"]
    scores = st.lists(st.floats(0.01, 1.0), min_size=8, max_size=8)

    def ranking() -> list[Piece]:
        found = [replace(one, score=score) for one, score in zip(known, data.draw(scores), strict=True)]
        kept = data.draw(st.lists(st.sampled_from(found), unique_by=lambda each: each.excerpt, max_size=8))
        return sorted(kept, key=lambda each: -each.score)

    held = block(ranking(), budget)
    now = block(ranking(), budget, held=held)
    before = [each.excerpt for each in held]
    kept = [each.excerpt for each in now if each.excerpt in before]
    assert kept == [each for each in before if each in kept]
    assert [each.excerpt for each in now[: len(kept)]] == kept


@given(rankings(), st.integers(0, 300))
def test_the_same_pieces_give_the_same_block(found: list[Piece], budget: int):
    held = block(found, budget)
    assert block(found, budget, held=held) == held


@given(rankings(), rankings(), st.lists(LINES, min_size=1, max_size=8).map("\n".join))
def test_nothing_of_the_window_is_repeated(first: list[Piece], second: list[Piece], window: str):
    held = block(first)
    for each in (*block(first, window=window), *block(second, held=held, window=window)):
        assert each.excerpt.text.strip() not in window


@given(rankings())
def test_no_line_twice(found: list[Piece]):
    chosen = block(found)
    for index, one in enumerate(chosen):
        assert not any(overlap(one.excerpt, other.excerpt) for other in chosen[:index])


@pytest.mark.parametrize(("gain", "changes"), [(0.89, False), (0.91, True)])
def test_a_change_must_be_worth_it(gain: float, changes: bool):
    """Three pieces fill the block; a better fourth takes the place of one."""
    old = [piece(f"{name}.py") for name in "abc"]
    budget = size(old, "python")
    held = block(old, budget)
    assert [each.excerpt.path for each in held] == ["a.py", "b.py", "c.py"]
    new = piece("d.py", score=3 * WORTH_IT - 3 + gain + 0.1)
    now = block([new, *old], budget, held=held)
    assert [each.excerpt.path for each in now] == (
        ["a.py", "b.py", "d.py"] if changes else ["a.py", "b.py", "c.py"]
    )


def test_nothing_found_changes_nothing():
    held = block([piece("a.py")])
    assert block([], held=held) == held


def test_a_long_piece_leaves_room_for_others():
    long = piece("long.py", "\n".join(f"value{number} = {number}" for number in range(200)))
    short = piece("short.py", "short = 1", 0.5)
    chosen = block([long, short])
    assert [each.excerpt.path for each in chosen] == ["long.py", "short.py"]
    first = chosen[0].excerpt
    assert first.end - first.start == first.text.count("\n") + 1 < 60


@pytest.mark.parametrize(("language", "mark"), [("python", "#"), ("typescript", "//"), ("sql", "--")])
def test_a_block_is_a_comment(language: str, mark: str):
    one = Piece(Excerpt("src/a.py", 0, 3, "def f():\n\n    return 1", "f"), Why.SYMBOLS, 1.0)
    assert render([one], language) == (
        f"{mark} src/a.py: f\n{mark} def f():\n{mark}\n{mark}     return 1\n\n"
    )
