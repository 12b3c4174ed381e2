"""What is gathered for each level."""

from dataclasses import dataclass

from completion.summaries.levels import Level
from completion.summaries.subjects import Source, examples_of, file, find, function, repository, whole_class
from retrieval.reading import read
from retrieval.records import ChunkKind, Lines, Snippet, SymbolHit
from retrieval.syntax import SyntaxReader
from tests.completion.summaries.test_levels import CODE

TAX = "def rate(country):\n    return 0.2\n"


def source(path: str = "shop.py", text: str = CODE) -> Source:
    return Source(path, text, read(text, "python", SyntaxReader())[0])


@dataclass(frozen=True)
class Beside:
    imports: tuple[str, ...]


class Index:
    def callees(self, path: str, qualified: str) -> list[SymbolHit]:
        return [SymbolHit("tax.py", "python", source("tax.py", TAX).outline.definitions[0])]

    def search(self, query: str, k: int = 10) -> list[Snippet]:
        def found(path: str, lines: Lines, text: str) -> Snippet:
            return Snippet(path, "python", ChunkKind.FUNCTION, "", lines, text, 1.0)

        return [found("shop.py", Lines(3, 9), "itself"), found("till.py", Lines(3, 9), "another")][:k]

    def neighbours(self, path: str) -> Beside:
        return Beside(("tax.py",) if path == "shop.py" else ())


def test_a_function_has_its_class_its_callees_and_what_was_found_but_itself() -> None:
    shop = source()
    add = find(shop.outline, "Cart.add")
    assert add
    subject = function(shop, add, Index())
    assert [part.title for part in subject.context] == ["The class Cart", "What it calls", "From till.py"]
    assert "def rate(country)" in subject.context[1].text
    assert subject.known == "Put a thing in."


def test_without_an_index_the_document_is_all() -> None:
    shop = source()
    add = find(shop.outline, "add")
    assert add
    assert [part.title for part in function(shop, add, None).context] == ["The class Cart"]
    assert file(shop, None).context == ()


def test_a_class_has_its_methods_as_parts() -> None:
    shop = source()
    cart = find(shop.outline, "Cart")
    assert cart
    subject = whole_class(shop, cart, None)
    assert [part.name for part in subject.parts] == ["Cart.add", "Cart.total"]
    assert "append" not in subject.own


def test_a_plain_name_must_be_the_only_one() -> None:
    two = source(text="class A:\n    def f(self): pass\nclass B:\n    def f(self): pass\n")
    assert find(two.outline, "f") is None
    assert find(two.outline, "nothing") is None


def test_a_long_file_has_its_definitions_as_parts_a_short_one_is_shown() -> None:
    short, long = file(source(), Index()), file(source(), Index(), whole_chars=10)
    assert (short.own, short.parts) == (CODE.strip(), ())
    assert [part.level for part in long.parts] == [Level.CLASS, Level.FUNCTION]
    assert [part.text for part in long.context] == ["tax.py"]


def test_a_repository_says_which_file_imports_which() -> None:
    whole = repository([source(), source("tax.py", TAX)], Index(), name="market")
    assert [part.name for part in whole.parts] == ["shop.py", "tax.py"]
    assert [part.text for part in whole.context] == ["shop.py imports tax.py"]
    assert repository([source()], None, name="market").context == ()


def test_examples_are_documented_functions_without_their_docstring() -> None:
    (example,) = examples_of([source()])
    assert (example.name, example.docstring) == ("Cart.add", "Put a thing in.")
    assert "Put a thing in" not in example.code
