"""What of a piece is shown."""

from hypothesis import given
from hypothesis import strategies as st

from completion.context.pieces import Excerpt
from completion.context.shaping import fragments, head_of, overlap


def excerpt(text: str, path: str = "a.py", start: int = 0) -> Excerpt:
    return Excerpt(path, start, start + text.count("\n") + 1, text)


def test_the_head_of_a_definition():
    text = '''@cached
def load(path):
    """
    Read it.

    At length.
    """

    first = path
    ...
    return first'''
    assert head_of(excerpt(text)).text == "@cached\ndef load(path):\n    first = path\n    return first"


def test_a_short_docstring_stays():
    text = 'def load(path):\n    """Read it."""\n    return path'
    assert head_of(excerpt(text)).text == text


def test_a_long_definition_is_cut():
    text = "\n".join(f"line{number}" for number in range(50))
    assert head_of(excerpt(text)).text == "\n".join(f"line{number}" for number in range(6))


def test_the_most_similar_lines_come_first():
    far = "\n".join(f"other{number} = {number}" for number in range(30))
    text = far + "\nreader = open_reader(path)\nreader.skip(header)\n" + far
    best = fragments([excerpt(far, "b.py"), excerpt(text)], "reader = open_reader(path)", 3)[0]
    assert best.path == "a.py"
    assert "reader.skip(header)" in best.text
    assert text.split("\n")[best.start : best.end] == best.text.split("\n")


def test_what_shares_no_word_is_left_out():
    assert fragments([excerpt("alpha = beta")], "gamma", 5) == []
    assert fragments([], "gamma", 5) == []


@given(
    st.lists(
        st.lists(st.sampled_from(["read(x)", "write(y)", "", "value = 1"]), min_size=1, max_size=40),
        max_size=4,
    ),
    st.integers(0, 6),
)
def test_fragments_are_lines_of_the_pieces_and_never_overlap(files: list[list[str]], most: int):
    pieces = [excerpt("\n".join(lines), f"{number}.py") for number, lines in enumerate(files)]
    found = fragments(pieces, "read value", most)
    assert len(found) <= most
    for index, one in enumerate(found):
        lines = files[int(one.path.removesuffix(".py"))]
        assert "\n".join(lines[one.start : one.end]) == one.text
        assert not any(overlap(one, other) for other in found[:index])
