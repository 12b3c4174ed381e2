"""What stands around a cursor: the names that are looked up, and the query that is searched with. Pure."""

import re

NEAR_LINES = 20
"""In front of the cursor; so many were the best query on crossfile-home (benchmarks/LOG.md)."""
_FADES_IN = 5
"""Lines up, where a name counts half."""
_NAME = re.compile(r"[^\W\d]\w*")
_IMPORT = re.compile(
    r"\s*(?:import\b|from\b|use\b|using\b|#include\b|export\b.*\bfrom\b|\}\s*from\b|.*\brequire)"
)
_MOST_NAMES = 100
_MOST_LINES = 400
"""Of imports, looked for at the top of the text."""


def names_near(text: str, cursor: int) -> dict[str, float]:
    """Names in front of the cursor and how near they stand: 1 in its own line, half of it five lines up.

    Nearest first; at most a hundred, none shorter than two characters.
    """
    lines = _near(text, cursor)
    weights: dict[str, float] = {}
    for distance, line in enumerate(reversed(lines)):
        for name in _NAME.findall(line):
            if len(name) > 1:
                weights.setdefault(name, 1 / (1 + distance / _FADES_IN))
    return dict(list(weights.items())[:_MOST_NAMES])


def query_at(text: str, cursor: int) -> str:
    """The imports of the text and the lines in front of the cursor."""
    near = _near(text, cursor)
    above = text[:cursor].split("\n")[: -len(near)]
    return "\n".join([*(line for line in above[:_MOST_LINES] if _IMPORT.match(line)), *near])


def _near(text: str, cursor: int) -> list[str]:
    return text[:cursor].split("\n")[-NEAR_LINES:]
