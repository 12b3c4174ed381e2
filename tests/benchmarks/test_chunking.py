"""Fit of chunks, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.chunking import Chunker, Fit, definitions, fit, spans, splits, token_counts, windows
from retrieval.records import Lines

SOURCE = """import os

@cached
def first(a):
    return a

class Second:
    field: int = 1

    def method(self):
        pass
"""


def test_fit_by_hand():
    """Ten lines of two tokens; lines 2 to 6 are looked for; the first chunk of four is retrieved twice."""
    tokens = {"a": [2] * 10, "b": [2] * 10}
    corpus = {"a": [Lines(0, 4), Lines(4, 8), Lines(8, 10)]}
    found = fit(
        [("a", Lines(2, 6))], [("a", Lines(0, 4)), ("a", Lines(0, 4)), ("b", Lines(0, 1))], corpus, tokens
    )
    assert found == pytest.approx(Fit(recall=4 / 8, iou=4 / (8 + 8 + 2 + 4), omega=8 / 16))


def test_the_best_fit():
    tokens = {"a": [1] * 10}
    place = ("a", Lines(2, 6))
    assert fit([place], [place], {"a": [Lines(2, 6)]}, tokens) == Fit(1, 1, 1)
    assert fit([place], [], {"a": []}, tokens) == Fit(0, 0, 0)


def test_definitions_of_python():
    assert definitions(SOURCE) == [
        Lines(0, 2),
        Lines(2, 5),
        Lines(5, 6),
        Lines(6, 9),
        Lines(9, 11),
        Lines(11, 12),
    ]
    assert spans(SOURCE, "first") == [Lines(2, 5)]
    assert spans(SOURCE, "field") == [Lines(7, 8)]
    assert spans(SOURCE, "Second") == [Lines(6, 11)]
    assert spans("def (", "x") == []


@pytest.mark.parametrize("chunker", [splits, windows, definitions])
@given(text=st.text("ab\n ", max_size=200) | st.just(SOURCE * 30) | st.just("def f(:\n" * 300))
def test_chunks_cover_every_line(chunker: Chunker, text: str):
    lines = {line for chunk in chunker(text) for line in range(chunk.start, chunk.end)}
    assert lines == set(range(len(text.split("\n"))))


def test_splits_are_small():
    text = "\n".join(["x" * 99] * 35 + ["y" * 3_000])
    assert [chunk.end - chunk.start for chunk in splits(text)] == [10, 10, 10, 5, 1]


def test_tokens():
    assert token_counts("a = b.c(1)\n\nreturn") == [8, 0, 1]
