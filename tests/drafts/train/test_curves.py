"""Curves as a table, a picture and a checkpoint's values say the same."""

import csv
from pathlib import Path

from drafts.card import Measured
from drafts.train.curves import CSV, PNG, Row, as_csv, as_state, from_state, write_curves

ROWS = [
    Row(0, "pre-train", None, (Measured(6.0, 0.1, (1.1, 1.2)), Measured(5.0, 0.2, (1.3, 1.4)))),
    Row(10, "pre-train", 4.5),
    Row(20, "align", 3.5, (Measured(3.0, 0.3, (1.5, 1.6)), Measured(2.0, 0.4, (1.7, 1.8)))),
]


def test_the_table_has_a_column_for_each_exit_and_measure() -> None:
    table = list(csv.DictReader(as_csv(ROWS, (2, 4)).splitlines()))
    assert [row["loss"] for row in table] == ["", "4.50000", "3.50000"]
    assert table[2]["acceptance@4"] == "0.40000"
    assert table[0]["block_efficiency_5@2"] == "1.20000"
    assert table[1]["held_out_loss@2"] == ""
    assert {len(row) for row in table} == {11}


def test_rows_survive_a_checkpoint() -> None:
    assert from_state(as_state(ROWS)) == ROWS


def test_both_files_are_written_even_of_nothing(tmp_path: Path) -> None:
    for rows in ([], ROWS):
        write_curves(tmp_path, rows, (2, 4))
        assert (tmp_path / CSV).read_text() == as_csv(rows, (2, 4))
        assert (tmp_path / PNG).read_bytes().startswith(b"\x89PNG")
