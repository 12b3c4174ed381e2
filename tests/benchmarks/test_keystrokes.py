"""The keystroke benchmark: the real server in a process of its own, a tiny model in it."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.keystrokes import Stroke, percentile, rows
from benchmarks.product import Asked


def asked(computed: int | None, *, first: float = 10.0) -> Asked:
    if computed is None:
        return Asked("x", None, 1.0)
    reuse = {"computed": computed, "prompt": 100}
    return Asked("x", {"reuse": reuse, "firstTokenMs": first, "generated": 2}, 20.0)


def test_requests_without_a_model_are_counted_apart() -> None:
    strokes = [
        Stroke(asked(10), asked(100, first=500.0)),
        Stroke(asked(None), asked(100, first=500.0)),
        Stroke(asked(None), None),
        Stroke(asked(30), None),
    ]
    table = {row["requests"]: row for row in rows(strokes)}
    model, every = table["asked the model"], table["all requests"]
    assert (model["count"], model["encoded median"], model["encoded mean"]) == (2, 20, 20)
    assert (every["count"], every["encoded mean"]) == (4, 10)
    assert table["typed along, no model"]["count"] == 2
    assert table["typed along, no model"]["first token ms median"] is None
    assert table["full recomputation"]["encoded median"] == 100
    assert table["asked the model, beside full"]["count"] == 1


@pytest.mark.parametrize(("values", "value"), [([], None), ([1], 1), (list(range(1, 101)), 95), ([1, 2], 2)])
def test_percentile_is_a_value_that_was_seen(values: list[float], value: float | None) -> None:
    assert percentile(values, 95) == value


def test_a_session_is_replayed_on_the_product(tmp_path: Path, tiny_model_dir: Path) -> None:
    trace, out = tmp_path / "trace.json", tmp_path / "out.json"
    start = "".join(f"let value_{number} = {number};\n" for number in range(40))
    txns = [{"patches": [[len(start) + index, 0, char]]} for index, char in enumerate("let total = value_1")]
    trace.write_text(json.dumps({"startContent": start, "txns": txns}), "utf-8")
    span = ["--from", "4", "--to", "16", "--full-every", "3"]
    model = ["--model", str(tiny_model_dir)]
    assert main(["keystrokes", "--trace", str(trace), *span, *model, "--json", str(out)]) == 0
    written = json.loads(out.read_text("utf-8"))
    table = {row["requests"]: row for row in written["rows"]}
    assert written["benchmark"] == "keystrokes"
    assert table["all requests"]["count"] == 12
    assert table["full recomputation"]["count"] == 4
    assert table["asked the model"]["encoded median"] < 12 < table["full recomputation"]["encoded median"]
