"""Recorded typing: every edit of a session (format of josephg/editing-traces, CC BY 4.0).

``{"startContent": str, "txns": [{"patches": [[position, deleted, inserted], …]}, …]}``, positions
in code points, patches applied one after another.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Patch(NamedTuple):
    """Replace ``deleted`` code points at ``position`` by ``inserted``."""

    position: int
    deleted: int
    inserted: str

    def apply(self, text: str) -> str:
        """The text behind the edit. Raises ValueError if it reaches outside."""
        if not 0 <= self.position <= self.position + self.deleted <= len(text):
            raise ValueError(f"{self} is outside of a text of {len(text)} characters.")
        return text[: self.position] + self.inserted + text[self.position + self.deleted :]

    @property
    def cursor(self) -> int:
        """Where the cursor stands behind the edit."""
        return self.position + len(self.inserted)


@dataclass(frozen=True)
class TypingTrace:
    """A session: the text it begins with and its transactions."""

    start: str
    transactions: tuple[tuple[Patch, ...], ...]

    def text_before(self, index: int) -> str:
        """The text when ``index`` transactions were applied."""
        text = self.start
        for patches in self.transactions[:index]:
            text = applied(text, patches)
        return text


def applied(text: str, patches: Iterable[Patch]) -> str:
    """The text behind all patches."""
    for patch in patches:
        text = patch.apply(text)
    return text


def read_trace(path: Path) -> TypingTrace:
    """Read a recorded session. Transactions without a patch are left out."""
    data = json.loads(path.read_text("utf-8"))
    transactions = (tuple(Patch(*patch) for patch in each["patches"]) for each in data["txns"])
    return TypingTrace(data["startContent"], tuple(each for each in transactions if each))
