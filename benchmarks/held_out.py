"""Real source text for perplexity: what was committed last in the edit traces.

Everything in public repositories may have been trained on. What is dated behind the model's
release was not, at least in that form, so the newest commits are taken and the windows lie around
what they changed.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from completion.tokens import TextCodec

TOKENS = 1_024
"""Of a window."""
_BEFORE = 1_500
"""Characters in front of the first changed line, about."""


class Window(NamedTuple):
    """A piece of one file, as tokens."""

    name: str
    ids: tuple[int, ...]
    date: str


def windows(path: Path, codec: TextCodec, *, each: int) -> list[Window]:
    """Of every repository in ``path`` the newest ``each`` files that fill a window, newest first."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found: dict[str, Window] = {}
    taken: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["date"], reverse=True):
        name = f"{row['repo']}/{row['path']}"
        if name in found or taken.get(row["repo"], 0) == each:
            continue
        ids = _tokens(row, codec)
        if len(ids) == TOKENS:
            found[name] = Window(name, ids, row["date"][:10])
            taken[row["repo"]] = taken.get(row["repo"], 0) + 1
    return list(found.values())


def _tokens(row: dict[str, Any], codec: TextCodec) -> tuple[int, ...]:
    """Up to ``TOKENS`` from a line start at least ``_BEFORE`` characters in front of the first change."""
    text: str = row["after"]
    lines = text.split("\n")
    changed = sum(len(line) + 1 for line in lines[: row["hunks"][0][2] - 1])
    start = text.rfind("\n", 0, max(0, changed - _BEFORE)) + 1
    return codec.encode(text[start:])[:TOKENS]
