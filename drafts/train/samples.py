"""Samples of a given length: plain text, and fill-in-the-middle in the order prefix, suffix, middle. Pure.

A text is cut first, its parts are tokenised each for itself, as they are where a model serves, and then
put together::

    opening prefix-marker [prefix) suffix-marker [suffix) middle-marker [middle) stop
                                                                        └ what a middle alone teaches

Middles are random spans, or whole lines, half of each (Bavarian et al., arXiv 2207.14255, sections 3
and 4, prefer random spans; what an editor asks for ends with a line).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_CHARS = 4
"""Characters taken a token: more than most source code has, so that few samples are short."""
_SHORTEST = 16
"""Characters a text must have to be cut in three."""
_MOST_LINES = 8


@dataclass(frozen=True)
class FimIds:
    """A family's special tokens, prefix first."""

    prefix: int
    suffix: int
    middle: int
    stops: tuple[int, ...]
    """What ends a completion; the first is put behind whole texts and whole middles."""
    opening: tuple[int, ...] = ()
    """What must open every prompt."""

    @property
    def all(self) -> frozenset[int]:
        """Every special token."""
        return frozenset((self.prefix, self.suffix, self.middle, *self.stops, *self.opening))


class Sample(NamedTuple):
    """Tokens, and from where on they are to be learnt."""

    ids: tuple[int, ...]
    learn_from: int


class Cut(NamedTuple):
    """A text in three parts; joined they are the text."""

    prefix: str
    middle: str
    suffix: str


class Window(NamedTuple):
    """A part of a document, and whether the document ends with it."""

    text: str
    is_end: bool


def window(text: str, length: int, rng: np.random.Generator) -> Window:
    """Some lines in a row that have ``length`` tokens, about; all where the text is short."""
    wanted = length * _CHARS
    if len(text) <= wanted:
        return Window(text, is_end=True)
    at = int(rng.integers(len(text) - wanted // 2))
    start = text.rfind("\n", 0, at) + 1
    return Window(text[start : start + wanted], is_end=start + wanted >= len(text))


def cut_middle(text: str, most: int, rng: np.random.Generator) -> Cut:
    """Cut out a middle of at most ``most`` characters; empty parts are possible, no text too short."""
    if len(text) < _SHORTEST:
        return Cut(text, "", "")
    start, end = _lines(text, rng) if rng.random() < 0.5 else _span(text, most, rng)
    end = min(end, start + most)
    return Cut(text[:start], text[start:end], text[end:])


def _span(text: str, most: int, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(len(text)))
    return start, start + 1 + int(rng.integers(min(most, len(text) - start)))


def _lines(text: str, rng: np.random.Generator) -> tuple[int, int]:
    """A line or some more, from behind its indentation on; the last line end stays outside."""
    starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n" and at + 1 < len(text))]
    first = int(rng.integers(len(starts)))
    last = first + min(int(rng.geometric(0.4)), _MOST_LINES)
    end = starts[last] - 1 if last < len(starts) else len(text)
    line = text[starts[first] : end]
    return starts[first] + len(line) - len(line.lstrip()), end


def text_sample(ids: Sequence[int], length: int, stop: int | None) -> Sample:
    """The first ``length`` tokens, ended by ``stop`` where they are fewer; None: the text goes on."""
    whole = (*ids,) if stop is None else (*ids, stop)
    return Sample(whole[:length], 0)


def prompt(prefix: Sequence[int], suffix: Sequence[int], fim: FimIds, room: int) -> tuple[int, ...]:
    """The prompt of a middle in at most ``room`` tokens; the sides lose their far ends.

    The suffix has a quarter at most, the prefix what is left (as ``completion.prompt`` has it).
    """
    markers = len(fim.opening) + 3
    behind = suffix[: max(min(room // 4, room - markers), 0)]
    before = room - markers - len(behind)
    in_front = prefix[-before:] if before > 0 else ()
    return (*fim.opening, fim.prefix, *in_front, fim.suffix, *behind, fim.middle)


def fim_sample(parts: Sequence[Sequence[int]], length: int, fim: FimIds, *, middle_only: bool) -> Sample:
    """The sample of tokenised ``(prefix, middle, suffix)`` in at most ``length`` tokens.

    A middle has half of them at most; one that is cut short has no stop behind it, since nothing ends there.
    With ``middle_only`` the prompt is shown and not learnt.
    """
    prefix, middle, suffix = parts
    kept = tuple(middle[: length // 2])
    end = (fim.stops[0],) if len(kept) == len(middle) else ()
    shown = prompt(prefix, suffix, fim, length - len(kept) - len(end))
    return Sample((*shown, *kept, *end), len(shown) if middle_only else 0)
