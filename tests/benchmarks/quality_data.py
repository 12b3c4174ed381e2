"""A folder of data as the quality benchmark wants it, small enough for the tiny model."""

import argparse
import inspect
import json
from pathlib import Path

from benchmarks.fim import Case
from benchmarks.quality import INFILLS, TRACES

_ROW = {
    "entry_point": "add",
    "suffix": "    return c\n",
    "canonical_solution": "    c = a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}


def prompt(number: int) -> str:
    """Every second one ends within a word."""
    return f"def add(a, b):\n    # number {number}\n" + ("    res" if number % 2 else "")


def case(number: int) -> Case:
    """The row as fim.load reads it."""
    return Case(f"T/{number}", prompt(number), _ROW["suffix"], _ROW["canonical_solution"], "")


def trace(path: str, date: str, *, changed_line: int = 1) -> dict[str, object]:
    """A commit of a long file."""
    text = f"# {path}\n" + inspect.getsource(argparse)[:12_000]
    hunks = [[changed_line, changed_line, changed_line, changed_line]]
    return {"repo": "a/b", "path": path, "date": date, "after": text, "hunks": hunks}


def write(folder: Path) -> Path:
    """Twenty infills and two files; the folder."""
    rows = [{**_ROW, "task_id": f"T/{number}", "prompt": prompt(number)} for number in range(20)]
    traces = [trace("one.py", "2026-01-01"), trace("two.py", "2026-01-02", changed_line=90)]
    for name, lines in ((INFILLS, rows), (TRACES, traces)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder
