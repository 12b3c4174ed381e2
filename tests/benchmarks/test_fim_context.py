"""The benchmark of contexts: its rows, its measures and its blocks, without a model."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.fim_context import _blocks, load, similarity

LINES = {"python": "    return apply_discount(", "typescript": "  return applyDiscount("}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "crossfile-home"
    folder.mkdir()
    for language, end in (("python", "py"), ("typescript", "ts")):
        told = {"repository": f"o/{language}", "file": f"use.{end}"}
        rows = [
            {
                "prompt": f"{LINES[language]}",
                "groundtruth": "price)",
                "right_context": "\n",
                "metadata": {**told, "task_id": f"{language}/{number}"},
                "crossfile_context": {"list": [{"filename": "far.py", "retrieved_chunk": "far = 1"}]},
            }
            for number in range(10)
        ]
        file = folder / f"{language}_line_completion_bm25.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        defines = {"python": "def apply_discount(price):\n    return price\n"}.get(
            language, "export function applyDiscount(price: number) {\n  return price;\n}\n"
        )
        repository = {"repository": f"o/{language}", "file": f"money.{end}", "content": defines}
        (folder / f"{language}_repos.jsonl").write_text(json.dumps(repository) + "\n", "utf-8")
    return tmp_path


def test_rows_of_both_languages_in_turns(data: Path) -> None:
    names = [case.name for case in load(data, "crossfile-home", 4)]
    assert names == ["python/0", "typescript/0", "python/5", "typescript/5"]


def test_blocks(data: Path) -> None:
    cases = load(data, "crossfile-home", 2)
    options = argparse.Namespace(
        data=data,
        set="crossfile-home",
        context="none,bm25,splice",
        budget=200,
        prefix_chars=500,
        suffix_chars=100,
    )
    with _blocks(options, cases) as blocks:
        for case in cases:
            assert blocks.block("none", case) == ()
            assert [piece.excerpt.text for piece in blocks.block("bm25", case)] == ["far = 1"]
            (piece,) = blocks.block("splice", case)
            assert "price" in piece.excerpt.text
            blocks.done(case)


@pytest.mark.parametrize(
    ("a", "b", "percent"),
    [("", "", 100.0), ("abc", "abc", 100.0), ("abc", "", 0.0), ("abcd", "abd", 600 / 7)],
)
def test_similarity(a: str, b: str, percent: float) -> None:
    assert similarity(a, b) == pytest.approx(percent)
