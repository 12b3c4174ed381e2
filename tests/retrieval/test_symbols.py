from retrieval.records import Lines, Outline, SymbolKind
from retrieval.symbols import outline
from retrieval.syntax import SyntaxReader


def test_python_definition():
    text = '@dec\ndef f(é, *,\n      b: int = 1) -> int:\n    """Say\n\n    more."""\n    return b\n'
    (found,) = outline(text, "python", SyntaxReader()).definitions
    assert (found.lines, found.name_line, found.name_column, found.body_line) == (Lines(0, 7), 1, 4, 3)
    assert found.signature == "def f(é, *, b: int = 1) -> int"
    assert found.docstring == "Say\n\nmore."


def test_what_is_in_front_of_a_name_is_kept_where_it_is_not_ascii():
    said = outline("const 𝒳 = 1, é = 2;\nconst a = 1, b = 2;\n", "javascript", SyntaxReader())
    found = [(each.name, each.name_column, each.name_prefix) for each in said.definitions]
    assert found == [("𝒳", 6, ""), ("é", 13, "const 𝒳 = 1, "), ("a", 6, ""), ("b", 13, "")]


def test_comment_in_front():
    (found,) = outline("/** Adds.\n * Well. */\nfunction f() {}\n", "javascript", SyntaxReader()).definitions
    assert found.docstring == "Adds.\nWell."


def test_syntax_error_in_the_middle():
    said = outline("def a(): pass\n\nx = = (\n\ndef b(): pass\n", "python", SyntaxReader())
    assert said.broken
    assert "a" in [each.name for each in said.definitions if each.kind is SymbolKind.FUNCTION]


def test_no_grammar():
    assert outline("x", "plaintext", SyntaxReader()) == Outline("plaintext")
