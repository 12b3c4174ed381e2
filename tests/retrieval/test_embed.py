"""Vectors of length one."""

import numpy as np
import pytest

from retrieval.embed import normalised


def test_rows_have_length_one_and_their_direction():
    rows = normalised(np.array([[3.0, 4.0], [0.0, -2.0]]))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, -1.0]]))
    assert rows.dtype == np.float32


def test_what_says_nothing_is_a_unit_vector_too():
    assert normalised(np.zeros((2, 3))).tolist() == [[1, 0, 0], [1, 0, 0]]


def test_the_argument_stays_as_it_is():
    given = np.zeros((1, 2), np.float32)
    normalised(given)
    assert given.tolist() == [[0, 0]]
