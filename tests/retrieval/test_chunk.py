from hypothesis import given
from hypothesis import strategies as st

from retrieval.reading import read
from retrieval.records import ChunkKind
from retrieval.syntax import SyntaxReader

READER = SyntaxReader()
LINES = st.sampled_from(
    [
        "class A:",
        "    def f(self):",
        "        return 1",
        "",
        "x = 1",
        "@dec",
        "# said",
        "def g():",
        "    pass",
    ]
)
TEXTS = st.lists(LINES, max_size=30).map("\n".join)


@given(TEXTS, st.integers(8, 200))
def test_every_line_is_in_a_chunk(text: str, most: int):
    _, pieces = read(text, "python", READER, max_chars=most)
    rows = text.split("\n")
    held = {row for each in pieces for row in range(each.lines.start, each.lines.end)}
    assert {row for row, line in enumerate(rows) if line.strip()} <= held
    assert all(0 <= each.lines.start < each.lines.end <= len(rows) for each in pieces)
    assert all(len(each.text) <= most for each in pieces)


@given(st.text(), st.integers(1, 50))
def test_lines_joined_are_the_text(text: str, most: int):
    _, pieces = read(text, "plaintext", READER, max_chars=most)
    assert "".join(each.text for each in pieces) == text
    assert all(each.kind is ChunkKind.LINES for each in pieces)


def test_a_large_class_is_a_skeleton_and_its_methods():
    body = "        return 1\n" * 5
    text = f"class A:\n    x = 1\n\n    def f(self):\n{body}\n    def g(self):\n{body}"
    _, pieces = read(text, "python", READER, max_chars=150)
    assert [(each.kind, each.name) for each in pieces] == [
        ("class", "A"), ("function", "A.f"), ("function", "A.g"),
    ]  # fmt: skip
    assert pieces[0].text.count("...") == 2
    assert "return" not in pieces[0].text


def test_large_files_end():
    assert len(read("x = 1\n" * 100_000, "python", READER)[1]) == 301
    assert len(read("x" * 1_000_000, "javascript", READER)[1]) == 500
