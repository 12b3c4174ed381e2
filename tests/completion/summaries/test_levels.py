"""What is shown of a subject, and how little of it: budgets, skeletons, folders."""

from hypothesis import given
from hypothesis import strategies as st

from completion.summaries.levels import (
    Level,
    Part,
    Subject,
    batches,
    clip,
    first_paragraph,
    fit,
    folders,
    owner_of,
    skeleton,
)
from retrieval.reading import read
from retrieval.syntax import SyntaxReader

CODE = '''class Cart:
    """Things to buy."""

    def add(self, thing):
        """Put a thing in.

        Twice is fine.
        """
        self.things.append(thing)

    def total(self):
        return sum(thing.price for thing in self.things)


def free():
    pass
'''


def count(text: str) -> int:
    return len(text.split())


PARTS = st.lists(st.builds(Part, st.text(max_size=5), st.text("ab \n", max_size=60)), max_size=8)


@given(PARTS, st.integers(0, 40))
def test_a_budget_is_never_exceeded(parts: list[Part], budget: int) -> None:
    kept = fit(parts, budget, count)
    assert sum(count(part.text) for part in kept) <= budget


@given(st.text("ab \n", max_size=80), st.integers(0, 20))
def test_a_clipped_text_is_whole_lines_of_its_start_and_no_fewer_than_fit(text: str, budget: int) -> None:
    kept = clip(text, budget, count)
    assert text.startswith(kept)
    assert count(kept) <= budget
    rest = text[len(kept) :].splitlines(keepends=True)
    assert not rest or count(kept + rest[0]) > budget


@given(PARTS, st.integers(0, 40))
def test_batches_keep_every_part_in_order_and_are_fewer_than_the_parts(
    parts: list[Part], budget: int
) -> None:
    groups = batches(parts, budget, count)
    assert [part for group in groups for part in group] == parts
    assert all(len(group) > 1 for group in groups[:-1])
    assert len(groups) < len(parts) or len(parts) < 2


def test_a_skeleton_has_headers_and_first_lines_and_no_bodies() -> None:
    outline, _ = read(CODE, "python", SyntaxReader())
    cart = next(each for each in outline.definitions if each.qualified == "Cart")
    shown = skeleton(CODE, outline, cart)
    assert '    def add(self, thing):\n        """Put a thing in."""' in shown
    assert "def total(self):" in shown
    assert "Things to buy" in shown
    assert "append" not in shown
    assert "sum(" not in shown
    assert "free" not in shown
    assert "Put a thing in" not in skeleton(CODE, outline, cart, hide="Cart.add")


def test_the_class_around_a_method() -> None:
    outline, _ = read(CODE, "python", SyntaxReader())
    by_name = {each.qualified: each for each in outline.definitions}
    assert owner_of(outline, by_name["Cart.add"]) == by_name["Cart"]
    assert owner_of(outline, by_name["free"]) is None


def test_the_first_paragraph_is_one_line() -> None:
    assert first_paragraph("\n  Put a\n  thing in.\n\n  Twice.") == "Put a thing in."


def test_folders_hold_their_files_and_lonely_ones_vanish() -> None:
    paths = ["a/b/one.py", "a/b/two.py", "c/d/e/three.py", "four.py"]
    whole = folders({path: Subject(Level.FILE, path, "python") for path in paths}, "shop")
    assert whole.name == "shop"
    assert [part.name for part in whole.parts] == ["four.py", "a/b", "c/d/e/three.py"]
    assert [part.name for part in whole.parts[1].parts] == ["a/b/one.py", "a/b/two.py"]
