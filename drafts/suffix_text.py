"""One text of a suffix index: its tokens, a label for each, and the keys they are found by. Pure.

A key says which tokens stand in front of a place, read backwards, and which place that is::

    token[at - 1] + 1, token[at - 2] + 1, ...    4 bytes each, at most depth - 1 of them
    0                                            4 bytes, only where the text begins before that
    serial, label                                4 and 8 bytes

Big-endian, so bytewise order is the order of the reversed text: the keys that share the most tokens
with a text to be matched stand next to where it would be sorted in.

A label is a number that a token keeps for as long as it lives, ascending along the text. An edit leaves
the keys of all other tokens as they are, though their positions move; `position` finds them by bisection.
"""

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct, pack

TOKEN_BYTES = 4

_PLACE = Struct(">IQ")
_MIDDLE = 1 << 63
_STEP = 1 << 32
"""Distance between two labels of tokens that came together, at the end of a text or at its start."""
_SPARE = 16
"""Parts of a gap that are left for tokens to come: typing on in one place uses it up slowly."""


def backwards(tokens: Sequence[int]) -> bytes:
    """The tokens as a key has them, last first. Tokens are in ``[0, 2**32 - 2)``."""
    return pack(f">{len(tokens)}I", *[token + 1 for token in reversed(tokens)])


def common_tokens(left: bytes, right: bytes) -> int:
    """How many tokens two packed texts have in common from their starts on."""
    length = min(len(left), len(right))
    differing = int.from_bytes(left[:length]) ^ int.from_bytes(right[:length])
    return (length - (differing.bit_length() + 7) // 8) // TOKEN_BYTES


def place_of(key: bytes) -> tuple[int, int]:
    """The serial of the text and the label of the token that a key stands for."""
    return _PLACE.unpack_from(key, len(key) - _PLACE.size)


class HeldText:
    """The tokens of one source, and their labels. Whoever has posted its keys takes them back first."""

    def __init__(self, serial: int, depth: int) -> None:
        """``serial`` tells it from other texts; its keys tell ``depth`` tokens apart, the last included."""
        self.serial = serial
        self.tokens: list[int] = []
        self._depth = depth
        self._labels: list[int] = []

    def __len__(self) -> int:
        """Tokens held."""
        return len(self.tokens)

    def position(self, label: int) -> int:
        """Where the token of a label stands now."""
        return bisect_left(self._labels, label)

    def keys(self, start: int, stop: int) -> list[bytes]:
        """The keys of the tokens ``[start, stop)``, in order."""
        reach = self._depth - 1
        first = max(start - reach, 0)
        packed = backwards(self.tokens[first:stop])
        found: list[bytes] = []
        for at in range(start, stop):
            behind = (stop - at) * TOKEN_BYTES
            context = packed[behind : behind + reach * TOKEN_BYTES]
            end = b"" if at >= reach else bytes(TOKEN_BYTES)
            found.append(context + end + _PLACE.pack(self.serial, self._labels[at]))
        return found

    def has_labels(self, start: int, stop: int, count: int) -> bool:
        """Whether ``count`` tokens in place of ``[start, stop)`` find labels between their neighbours'."""
        return bool(self._between(start, stop, count)) or not count

    def splice(self, start: int, stop: int, tokens: Sequence[int]) -> None:
        """Put ``tokens`` in place of ``[start, stop)``. They have found labels, or are the whole text."""
        self._labels[start:stop] = self._between(start, stop, len(tokens))
        self.tokens[start:stop] = tokens

    def _between(self, start: int, stop: int, count: int) -> range:
        """Labels for ``count`` tokens in place of ``[start, stop)``; empty if there are too few."""
        low = self._labels[start - 1] if start else None
        high = self._labels[stop] if stop < len(self._labels) else None
        if high is None:
            first, step = (_MIDDLE if low is None else low + _STEP), _STEP
        elif low is None:
            first, step = high - count * _STEP, _STEP
        else:
            step = (high - low) // (count + _SPARE)
            first = low + step
        last = first + step * count
        return range(first, last, step) if step and first >= 0 and last < 1 << 64 else range(0)
