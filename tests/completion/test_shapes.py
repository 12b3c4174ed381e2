"""Few shapes serve every pass, and padding repeats the last row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.shapes import EXTENT_STEP, ROW_COUNTS, Output, PassShape, padded, recorded_shape, rows_at_once


@given(st.integers(1, 16), st.integers(1, 8192), st.integers(0, 700), st.sampled_from(Output))
def test_a_shape_holds_the_pass_and_fits_the_store(
    rows: int, extent: int, spare: int, output: Output
) -> None:
    shape = recorded_shape(rows, extent, capacity=extent + spare, output=output)
    assert shape
    assert shape.rows in ROW_COUNTS
    assert rows <= shape.rows < 2 * rows
    assert extent <= shape.extent <= extent + spare
    assert shape.extent % EXTENT_STEP == 0 or shape.extent == extent + spare


@pytest.mark.parametrize("rows", [0, 17, 64])
def test_prefill_is_not_recorded(rows: int) -> None:
    assert recorded_shape(rows, 100, capacity=256, output=Output.LAST) is None


def test_neighbouring_extents_share_a_shape() -> None:
    shapes = {recorded_shape(1, extent, capacity=4096, output=Output.LAST) for extent in range(1, 1025)}
    assert shapes == {PassShape(1, 512, Output.LAST), PassShape(1, 1024, Output.LAST)}


def test_all_logits_of_one_row_are_the_last() -> None:
    assert recorded_shape(1, 9, capacity=512, output=Output.EVERY) == PassShape(1, 512, Output.LAST)
    assert recorded_shape(2, 9, capacity=512, output=Output.EVERY) == PassShape(2, 512, Output.EVERY)


@given(st.lists(st.integers(), min_size=1, max_size=16), st.integers(0, 5))
def test_padding_repeats_the_last(row: list[int], more: int) -> None:
    filled = padded(row, len(row) + more)
    assert filled[: len(row)] == row
    assert filled[len(row) :] == [row[-1]] * more


def test_a_gpu_takes_more_rows_at_once() -> None:
    assert rows_at_once(64, "cpu") == 64
    assert rows_at_once(64, "cuda") == 512
