"""The quality benchmark from end to end on the tiny model."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import quality
from benchmarks.__main__ import main
from benchmarks.contestants import Product
from benchmarks.infills import TOKENS
from benchmarks.kept import OtherTerms
from benchmarks.verdicts import REFERENCE
from completion.config import Weights
from tests.benchmarks.quality_data import write
from tests.tiny import make_model


def measure(folder: Path, model: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]], list[str]]:
    data = folder / "data"
    if not data.exists():
        write(data)
    out = folder / "table.json"
    options = ["--data", str(data), "--prompts", "6", "--model", str(model), "--json", str(out)]
    code = main(["quality", *options, "--out", str(folder / "out"), *more])
    report = json.loads(out.read_text("utf-8"))
    return code, {row["engine"]: row for row in report["rows"]}, report["notes"]


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_our_float32_is_plain_transformers(tmp_path: Path, tiny_model_dir: Path) -> None:
    _, rows, notes = measure(tmp_path, tiny_model_dir, "--weights", "float32")
    assert list(rows) == [REFERENCE, "float32"]
    ours, theirs = rows["float32"], rows[REFERENCE]
    assert ours["greedy equal %"] == 100
    assert (ours["perplexity"], ours["more than float32, %"]) == (theirs["perplexity"], "0.00")
    assert float(ours["perplexity"]) > 1
    assert lines(tmp_path / "out" / "differences.jsonl") == []
    assert any("4 have a piece to heal" in note for note in notes)


def test_another_models_answers_are_told_apart(
    tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_model(tmp_path / "other", seed=1)

    def wrong(name: str, _: Path, weights: Weights) -> Product:
        return Product(name, other, weights)

    monkeypatch.setattr(quality, "Product", wrong)
    code, rows, notes = measure(tmp_path, tiny_model_dir, "--weights", "int8")
    assert code == 1
    assert any("int8 equal float32's" in note and note.endswith("MISSED.") for note in notes)
    apart = lines(tmp_path / "out" / "differences.jsonl")
    assert len(apart) == 6 - round(6 * rows["int8"]["greedy equal %"] / 100) > 0
    assert [each["margin_at_least"] for each in apart] == sorted(each["margin_at_least"] for each in apart)
    assert all(each["reference_token"] != each["answer_token"] for each in apart)
    assert all(each["margin_at_least"] > 0 for each in apart)


def test_a_run_goes_on_where_it_was(
    tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure(tmp_path, tiny_model_dir, "--weights", "float32")
    file = tmp_path / "out" / "float32.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    assert measure(tmp_path, tiny_model_dir, "--weights", "float32")[1] == first[1]
    assert file.read_bytes() == whole
    monkeypatch.setattr(quality, "Product", lambda *_: pytest.fail("nothing was left to answer"))
    assert measure(tmp_path, tiny_model_dir, "--weights", "float32")[1] == first[1]


def test_findings_of_another_choice_are_not_taken_up(tmp_path: Path, tiny_model_dir: Path) -> None:
    measure(tmp_path, tiny_model_dir, "--weights", "float32")
    with pytest.raises(OtherTerms, match="seed 7 instead of 8"):
        measure(tmp_path, tiny_model_dir, "--weights", "float32", "--seed", "8")


def test_answers_are_bounded_and_whole(tmp_path: Path, tiny_model_dir: Path) -> None:
    measure(tmp_path, tiny_model_dir, "--weights", "float32")
    for name in ("float32", "transformers-float32"):
        answers = [each["answer"] for each in lines(tmp_path / "out" / f"{name}.jsonl") if "answer" in each]
        assert len(answers) == 6
        assert all(1 <= len(each["ids"]) <= TOKENS for each in answers)


def test_unknown_weights_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["quality", "--data", str(tmp_path), "--weights", "float32,int3"])
    assert "int3" in capsys.readouterr().err
