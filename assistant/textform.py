"""Two forms of one text: as the editor has it (outside), and as the model sees it (inside).

Outside keeps every line end and every lone surrogate, because positions count them. Inside, a line ends
with ``\\n`` and a lone surrogate, which no tokenizer takes, is the replacement character.
Every function is pure; offsets count code points.
"""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SAMPLE = 65_536
_TOLERATED = 8
"""Control characters that any text may hold."""


def to_inside(text: str) -> str:
    """The text as the model sees it. Equal to ``text`` when there is nothing to change."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if _is_encodable(text) else _LONE_SURROGATE.sub("\ufffd", text)


def inside_offset(text: str, offset: int) -> int:
    """Where ``offset`` of the outside ``text`` lies inside; between ``\\r`` and ``\\n`` means before both."""
    if text[max(offset - 1, 0) : offset + 1] == "\r\n":
        offset -= 1
    return offset - text.count("\r\n", 0, offset)


def outside_offset(text: str, offset: int) -> int:
    """Where the inside ``offset`` lies in the outside ``text``: the inverse of ``inside_offset``."""
    outside = offset
    while (more := offset + text.count("\r\n", 0, outside)) != outside:
        outside = more
    if text[max(outside - 1, 0) : outside + 1] == "\r\n":
        outside += 1
    return outside


def line_end(text: str) -> str:
    """The line end used most; ``\\n`` where there is none."""
    pairs = text.count("\r\n")
    counts = {"\n": text.count("\n") - pairs, "\r\n": pairs, "\r": text.count("\r") - pairs}
    return max(counts, key=lambda end: counts[end])


def to_outside(text: str, end: str) -> str:
    """Inside text as it is inserted into a document whose lines end with ``end``."""
    return text if end == "\n" else text.replace("\n", end)


def is_text(text: str) -> bool:
    """Whether this may be source: no NUL, and few control or replacement characters."""
    if "\0" in text:
        return False
    sample = text[:_SAMPLE]
    strange = len(_CONTROL.findall(sample))
    return strange <= _TOLERATED or strange * 10 <= len(sample)


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
