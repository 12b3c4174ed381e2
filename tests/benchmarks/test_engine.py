"""The engine benchmark: a tiny model in this process, and what a row of the table holds."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.engine import row
from completion.config import Weights


def test_steps_are_held_to_a_decode_step() -> None:
    figures = {"decode t/s": [10.0, 20.0, 1_000.0], "verify ms": [75.0, 60.0, 90.0], "append ms": [50.0]}
    cells = row("int8", figures)
    assert (cells["engine"], cells["decode t/s"], cells["verify ms"]) == ("int8", 20.0, 75.0)
    assert cells["verify, steps"] == pytest.approx(1.5)
    assert cells["append, steps"] == pytest.approx(1.0)


def test_an_engine_without_steps_has_none() -> None:
    assert set(row("llama.cpp", {"decode t/s": [45.0]})) == {"engine", "decode t/s"}


@pytest.mark.parametrize("weights", ["int8", "float32"])
def test_a_model_is_measured(tmp_path: Path, tiny_model_dir: Path, weights: Weights) -> None:
    out = tmp_path / "out.json"
    options = ["--model", str(tiny_model_dir), "--weights", weights, "--rounds", "1", "--context", "200"]
    assert main(["engine", *options, "--json", str(out)]) == 0
    written = json.loads(out.read_text("utf-8"))
    (measured,) = written["rows"]
    assert (written["benchmark"], measured["engine"]) == ("engine", weights)
    figures = {name: value for name, value in measured.items() if name != "engine"}
    assert set(figures) == {
        "prefill 512 t/s", "prefill 2,048 t/s", "decode t/s", "decode @200 t/s",
        "verify ms", "append ms", "verify, steps", "append, steps",
    }  # fmt: skip
    assert all(value > 0 for value in figures.values())
