"""The place of a cursor stays what it is while one types in a definition."""

import pytest

from completion.context.place import place

PYTHON = """import os

LIMIT = 3


class Shelf:
    size = 3

    def put(self, book):
        if book is None:
            return
        for each in self:

            use(each)

        self.done()


def empty(shelf):
    pass
"""

TYPESCRIPT = """export class Shelf {
  put(book: Book): void {
    if (!book) {
      return;
    }
    this.books.push(book);
  }
}
"""


def at(text: str, marker: str) -> tuple[str, ...]:
    return place(text, text.index(marker) + len(marker))


@pytest.mark.parametrize(
    "marker", ["if book", "return", "for each", "use(each)", "use(each)\n", "self.done()"]
)
def test_one_place_in_all_of_a_method(marker):
    assert at(PYTHON, marker) == ("class Shelf:", "def put(self, book):")


def test_an_empty_line_between_statements_belongs_to_them():
    assert at(PYTHON, "in self:\n") == ("class Shelf:", "def put(self, book):")


def test_typing_within_a_definition_stays_there():
    cut = PYTHON.index("use(each)")
    for typed in ("x", "x = (", "x = (\n            ", "if a:\n                b"):
        assert place(PYTHON[:cut] + typed + PYTHON[cut:], cut + len(typed)) == (
            "class Shelf:",
            "def put(self, book):",
        )


def test_a_class_without_a_method_around():
    assert at(PYTHON, "size = ") == ("class Shelf:",)


@pytest.mark.parametrize("marker", ["import ", "LIMIT", "def empty"])
def test_the_top_of_a_file(marker):
    assert at(PYTHON, marker) == ()


def test_braces():
    inside = ("export class Shelf {", "put(book: Book): void {")
    assert [at(TYPESCRIPT, marker) for marker in ("(!book", "return;", "this.books")] == [inside] * 3


def test_no_deeper_than_a_method():
    text = "class A:\n    def f(self):\n        def g():\n            def h():\n                x"
    assert place(text, len(text)) == ("class A:", "def f(self):")


def test_an_empty_text():
    assert place("", 0) == ()
