"""What stands around a cursor: the names that are looked up, and the query that is searched with. Pure."""

import re

NEAR_LINES = 20
"""In front of the cursor, whose names are looked up."""
_SEARCHED, _COMPARED = 10, 5
"""Lines that are searched with, and those that what was found is compared with (benchmarks/LOG.md)."""
_FADES_IN = 5
"""Lines up, where a name counts half."""
_NAME = re.compile(r"[^\W\d]\w*")
_MOST_NAMES = 100


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
    """The lines that are searched with."""
    return "\n".join(_near(text, cursor)[-_SEARCHED:])


def compared_at(text: str, cursor: int) -> str:
    """The lines that fragments of what was found are compared with."""
    return "\n".join(_near(text, cursor)[-_COMPARED:])


def _near(text: str, cursor: int) -> list[str]:
    return text[:cursor].split("\n")[-NEAR_LINES:]
