import pytest

from retrieval.queries import QUERIES
from retrieval.syntax import SyntaxReader


@pytest.mark.parametrize("language", sorted(QUERIES))
def test_every_query_fits_its_grammar(language: str):
    assert SyntaxReader().tags(b"", language).tags == ()


def test_broken():
    assert SyntaxReader().tags(b"def f(:\n", "python").broken
    assert not SyntaxReader().tags(b"def f(): pass\n", "python").broken
