"""Where the open documents were edited last. Pure; told by whoever sees their texts, newest first."""

from collections import OrderedDict
from typing import NamedTuple

_FILES = 8
_PAUSE_S = 3.0
"""Between two texts of a file; what lies behind a longer pause is a new edit."""


class Place(NamedTuple):
    """A line of a file, relative to the root it was told with."""

    path: str
    line: int


class _Seen(NamedTuple):
    text: str
    base: str
    """The text as it was in front of the latest edit."""
    at: float


class RecentEdits:
    """The latest edit of each of a few files."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def see(self, path: str, text: str, now: float) -> None:
        """The document says this now. ``now`` in seconds of any clock that only goes forward."""
        before = self._seen.get(path)
        if before is None:
            self._seen[path] = _Seen(text, text, now)
        elif before.text != text:
            base = before.text if now - before.at > _PAUSE_S or before.base == before.text else before.base
            self._seen[path] = _Seen(text, base, now)
            self._seen.move_to_end(path)
        while len(self._seen) > _FILES:
            self._seen.popitem(last=False)

    def forget(self, path: str) -> None:
        """The document was closed."""
        self._seen.pop(path, None)

    def places(self, path: str) -> list[Place]:
        """The last line that was edited, of each file but ``path``, the latest first."""
        return [
            Place(other, line)
            for other, seen in reversed(self._seen.items())
            if other != path and (line := _last_changed(seen.base, seen.text)) is not None
        ]


def _last_changed(before: str, now: str) -> int | None:
    """The last line of ``now`` that differs from ``before``; None if nothing does."""
    if before == now:
        return None
    old, new = before.split("\n"), now.split("\n")
    same = 0
    while same < min(len(old), len(new)) and old[-1 - same] == new[-1 - same]:
        same += 1
    return max(0, len(new) - 1 - same)
