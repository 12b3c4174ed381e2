"""Figures are held to what is hoped for."""

from benchmarks.gpu_verdicts import verdicts

CELLS = {
    "model": "x", "floor ms": 1.0, "alike": 0.9, "decode graphs ms": 2.5, "verify graphs ms": 3.0,
    "decode eager ms": 20.0, "all @100 ms": 100.0, "+2 @100 ms": 20.0, "+40 @100 ms": 30.0,
    "weights GB": 1.0,
}  # fmt: skip


def test_a_line_and_a_word_for_each_thing() -> None:
    lines = verdicts(CELLS)
    assert [line.partition(": ")[2].split(".")[0] for line in lines] == [
        "MISSED", "MISSED", "met", "met", "MISSED",
    ]  # fmt: skip
    assert (
        lines[1]
        == "x decode: MISSED. A token takes 2.5 readings of the weights, 1.00 ms each; 2.0 are hoped for."
    )
    assert (
        lines[4]
        == "x edit +40 @100: MISSED. First token after 30.0 ms, 30% of computing all; 25% are hoped for."
    )


def test_memory_is_told_where_it_was_measured() -> None:
    (last,) = verdicts(CELLS | {"peak GB": 3.0, "reserved GB": 4.0})[5:]
    assert last == "x memory: 3.0 GB in use at most, 4.0 with what torch keeps; 1.0 are weights."
