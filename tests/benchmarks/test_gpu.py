"""The GPU's benchmark: its whole course over a tiny shape on a CPU, and on a GPU where there is one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.gpu import Plan, measure
from benchmarks.gpu_edits import Edits, document
from benchmarks.gpu_machine import why_no_gpu
from benchmarks.gpu_models import SIZES, Size, Subject, make_subject
from benchmarks.gpu_verdicts import verdicts
from kvcache.plan import plan_reuse
from tests.completion.tape import TapeRecorder

TINY = Size("tiny", 48, 96, 3, 4, 2, 800, tied=False, positions=2_048)
SHORT = Plan(decode_at=96, decoded=4, contexts=(160,), edits=(2, 20), rounds=2)
COLUMNS = {
    "model", "floor ms", "alike", "decode graphs ms", "verify graphs ms", "decode eager ms",
    "verify eager ms", "graphs kept", "all @160 ms", "+2 @160 ms", "+20 @160 ms", "weights GB",
}  # fmt: skip


@pytest.fixture
def subject() -> Subject:
    return make_subject(TINY, torch.device("cpu"), dtype=torch.float32, recorder=TapeRecorder())


def test_all_is_measured_and_judged(subject: Subject) -> None:
    cells = measure(subject, SHORT, bandwidth=1e10)
    assert set(cells) == COLUMNS
    assert all(value > 0 for value in cells.values() if not isinstance(value, str) and value is not None)
    assert cells["alike"] == pytest.approx(1.0, abs=1e-3)
    assert cells["graphs kept"] == 2  # one row, and eight
    lines = verdicts(cells)
    assert [line.split()[1].rstrip(":") for line in lines] == ["graphs", "decode", "verify", "edit", "edit"]
    assert lines[0].startswith("tiny graphs: met.")


def test_an_edit_is_served_from_what_is_cached(subject: Subject) -> None:
    """Few tokens are encoded, and the answer is the product's: rotation and repair."""
    before, after = document(800, 600), document(800, 600, inserted=20, seed=3)
    assert len(after) == len(before) + 20
    assert len(plan_reuse(before, after).compute) < 60
    edits = Edits(subject, 600)
    assert len(edits.first_tokens(20, 2, "auto")) == 2
    (owner,) = edits._pool.owners
    with edits._pool.lease(owner, 1) as store:
        assert len(store) == 620
        assert store.exact < len(store)
    edits._refresh()
    with edits._pool.lease(owner, 1) as store:
        assert store.exact == len(store)


def test_weights_are_those_of_the_real_models(subject: Subject) -> None:
    billions = [size.weights / 1e9 for size in SIZES]
    assert billions == [
        pytest.approx(0.494, abs=0.01),
        pytest.approx(1.54, abs=0.02),
        pytest.approx(7.6, abs=0.1),
    ]
    held = sum(weight.numel() for weight in subject.model.parameters())
    assert TINY.weights == pytest.approx(held, rel=0.02)
    assert subject.bytes_read == 4 * (held - 800 * 48)
    tied = make_subject(replace(TINY, tied=True), torch.device("cpu"), recorder=TapeRecorder())
    assert tied.dtype == torch.bfloat16
    assert tied.bytes_read == 2 * (held - 800 * 48)


@pytest.mark.skipif(not why_no_gpu(), reason="there is a GPU here")
def test_without_a_gpu_it_says_what_was_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpu", "--models", "0.5B", "7B"]) == 0
    told = capsys.readouterr().out
    assert "Nothing was measured, for want of an NVIDIA GPU: torch" in told
    assert "Not run: decode, verify, edits and memory of 0.5B, 7B." in told


@pytest.mark.gpu
def test_a_gpu_is_measured() -> None:
    cells = measure(make_subject(TINY, torch.device("cuda")), SHORT, bandwidth=1e12)
    assert set(cells) == COLUMNS | {"peak GB", "reserved GB"}
    assert isinstance(cells["alike"], float)
    assert cells["alike"] > 0.99


@pytest.mark.gpu
def test_the_command_writes_a_row_of_a_real_shape(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["gpu", "--models", "0.5B", "--json", str(out)]) == 0
    (row,) = json.loads(out.read_text("utf-8"))["rows"]
    assert row["model"] == "0.5B"
    assert row["decode graphs ms"] < row["decode eager ms"]
