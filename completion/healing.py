"""Heals the token boundary at the cursor.

Where the text breaks off within a token (after indentation, inside a word), the model never
saw the tokens that the broken text encodes to. So the broken piece is taken off the prompt
and decoding is constrained: the first tokens must agree, byte for byte, with the piece that
is already there ("token healing", Lundberg 2023). Pure.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable

_HEALED = re.compile(r"[^\W\d]|[ \t]+\Z")
_LONGEST = 96


def split_partial(tail: str, last_piece: Callable[[str], int]) -> tuple[str, str]:
    """Split ``tail`` into what is certain and the piece to heal: ``(certain, piece)``.

    The piece is the tail's last pre-token (``last_piece`` finds it in a line) when that is
    a word or a run of blanks; else it is empty. Always ``certain + piece == tail``.
    """
    line_start = tail.rfind("\n") + 1
    cut = line_start + last_piece(tail[line_start:])
    piece = tail[cut:]
    if not _HEALED.search(piece) or len(piece) > _LONGEST or not unicodedata.is_normalized("NFC", piece):
        return tail, ""
    if any("\ud800" <= char <= "\udfff" for char in piece):
        return tail, ""
    return tail[:cut], piece


class Vocabulary:
    """Tokens by their bytes, to find those that agree with text that is already there."""

    def __init__(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """``entries`` are ``(bytes, id)``; of equal bytes the lowest id counts."""
        ordered = sorted(entries)
        self._spelled = [spelled for spelled, _ in ordered]
        self._ids = [index for _, index in ordered]

    def agreeing(self, piece: bytes) -> list[int]:
        """Ids of the tokens that start with ``piece`` or are a proper start of it."""
        first = bisect_left(self._spelled, piece)
        behind = _successor(piece)
        last = bisect_left(self._spelled, behind, lo=first) if behind else len(self._ids)
        shorter = [index for end in range(1, len(piece)) if (index := self._find(piece[:end])) is not None]
        return shorter + self._ids[first:last]

    def _find(self, spelled: bytes) -> int | None:
        at = bisect_left(self._spelled, spelled)
        return self._ids[at] if at < len(self._ids) and self._spelled[at] == spelled else None


def _successor(piece: bytes) -> bytes:
    """The smallest byte string greater than every string that starts with ``piece``."""
    stem = piece.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else b""


def after(piece: bytes, token: bytes) -> bytes:
    """What is left of ``piece`` when ``token``, one that agrees with it, was decoded."""
    return piece[len(token) :]
