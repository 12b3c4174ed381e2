import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.product import place_of
from benchmarks.traces import Patch, TypingTrace, applied, read_trace


def test_a_session_is_replayed_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    session = {
        "startContent": "a😀",
        "txns": [
            {"patches": [[2, 0, "b"]]},
            {"patches": []},
            {"patches": [[0, 1, ""], [1, 0, "\nc"]]},
        ],
    }
    file.write_text(json.dumps(session), "utf-8")
    trace = read_trace(file)
    assert [trace.text_before(index) for index in range(3)] == ["a😀", "a😀b", "😀\ncb"]
    assert trace.transactions[1][-1].cursor == 3


@pytest.mark.parametrize("patch", [Patch(4, 0, "x"), Patch(2, 2, ""), Patch(-1, 0, "x")])
def test_an_edit_outside_of_the_text_is_refused(patch: Patch) -> None:
    with pytest.raises(ValueError, match="outside"):
        patch.apply("abc")


def test_the_text_before_an_edit_leaves_it_out() -> None:
    trace = TypingTrace("", ((Patch(0, 0, "a"),), (Patch(1, 0, "b"),)))
    assert trace.text_before(1) == "a"
    assert applied(trace.text_before(1), trace.transactions[1]) == trace.text_before(2)


@given(st.text(alphabet="a😀\n"), st.data())
def test_places_count_code_points_of_a_line(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    place = place_of(text, offset)
    lines = text.split("\n")
    assert sum(len(line) + 1 for line in lines[: place["line"]]) + place["character"] == offset
    assert place["character"] <= len(lines[place["line"]])
