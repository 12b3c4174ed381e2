"""Which source text perplexity is measured on."""

import json
from pathlib import Path

import pytest

from benchmarks.held_out import TOKENS, windows
from completion.loading import LoadedModel
from tests.benchmarks.quality_data import trace


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    rows = [
        trace("old.py", "2020-01-01"),
        trace("new.py", "2026-03-01", changed_line=150),
        trace("new.py", "2026-02-01"),
        trace("middle.py", "2025-01-01"),
        {**trace("short.py", "2026-04-01"), "after": "x = 1\n"},
        {**trace("other.py", "2019-01-01"), "repo": "c/d"},
    ]
    file = tmp_path / "dev.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def test_the_newest_files_of_every_repository_once_each(traces: Path, tiny: LoadedModel) -> None:
    found = windows(traces, tiny.codec, each=2)
    assert [(each.name, each.date) for each in found] == [
        ("a/b/new.py", "2026-03-01"),
        ("a/b/middle.py", "2025-01-01"),
        ("c/d/other.py", "2019-01-01"),
    ]
    assert {len(each.ids) for each in found} == {TOKENS}


def test_a_window_begins_in_front_of_the_change(traces: Path, tiny: LoadedModel) -> None:
    window = windows(traces, tiny.codec, each=1)[0]
    text = str(trace("new.py", "")["after"])
    shown = b"".join(map(tiny.codec.bytes_of, window.ids)).decode("utf-8", "ignore")
    changed = text.split("\n")[149]
    assert changed.strip()
    assert changed in shown
    start = text.index(shown)
    assert text[start - 1] == "\n"
    assert 1_000 < text.index(changed, start) - start < 2_000
