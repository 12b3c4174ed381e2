"""The load benchmark on the tiny model: its phases, what they are compared by, its sentences."""

import json
from pathlib import Path

from benchmarks.__main__ import main
from benchmarks.load import Rounds
from benchmarks.load_table import ALONE, CONTROL, INDEXED, LOADED, QUIET
from benchmarks.typist import Typist, retyped
from completion.config import CompletionConfig, EngineConfig
from completion.service import CompletionService


async def test_every_phase_does_what_it_is_named_for(tiny_model_dir: Path) -> None:
    config = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu", refresh_chunk=16)
    service = CompletionService(config, CompletionConfig())
    await service.start()
    await service.ready()
    rounds = Rounds(service, Typist(service, retyped(), "python"), first=0, seconds=1.5)
    await rounds.measure(1)
    await service.stop()
    phases = rounds.phases
    assert not phases[QUIET].steps
    assert not phases[ALONE].strokes
    assert all(phases[name].strokes for name in (QUIET, LOADED, INDEXED))
    assert phases[LOADED].summaries.steps
    assert not phases[INDEXED].summaries.steps
    assert all(0 <= step.tokens <= 16 for phase in phases.values() for step in phase.steps)
    assert phases[CONTROL].summaries.steps


def test_it_measures_and_reports(tmp_path: Path, tiny_model_dir: Path) -> None:
    out = tmp_path / "out.json"
    spans = ["--seconds", "1", "--rounds", "1"]
    assert main(["load", *spans, "--model", str(tiny_model_dir), "--json", str(out)]) == 0
    written = json.loads(out.read_text("utf-8"))
    assert [row["phase"] for row in written["rows"][:5]] == [QUIET, LOADED, INDEXED, ALONE, CONTROL]
    assert any(note.startswith("Idle, with the model loaded") for note in written["notes"])
    assert sum(note.startswith("Goal, ") for note in written["notes"]) == 2
