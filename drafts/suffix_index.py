"""Finds where the end of a text stood before: the longest suffix match over token sequences. Pure.

For each token there is a sorted list of the places where it stands, by what stands in front of it
(`suffix_text.py` says how). The places that share the longest suffix with a given text are neighbours
there, so two bisections find them all, however often the text repeats itself: a suffix array cut up by
last token, that takes edits. The longest match is exact, up to ``depth`` tokens; how it is used is
SuffixDecoding's (arXiv 2411.04975).

An edit posts the changed tokens anew and ``depth`` more behind them, whose keys tell of the change.
A token with nothing behind it is not posted: it predicts nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from typing import NamedTuple

from drafts.suffix_text import TOKEN_BYTES, HeldText, backwards, common_tokens, place_of
from kvcache.matching import common_prefix, common_suffix

DEPTH = 32
"""Tokens of a match that are told apart. Nobody drafts more tokens than that at once."""
CANDIDATES = 32
"""Places that a match names, at most."""

_BEHIND_ALL = b"\xff" * TOKEN_BYTES


class Origin(NamedTuple):
    """Where tokens come from: a part of a document, or one of several of a kind."""

    document: str | None
    part: str
    number: int = 0


class Place(NamedTuple):
    """What follows a match: the tokens of ``source`` from position ``at`` on."""

    source: Origin
    at: int


class Match(NamedTuple):
    """``length`` tokens that end the text asked for stand in front of each of ``places``.

    Sources used last come first, and of one source its end. ``total`` places there are; of more than
    ``CANDIDATES`` some are named, evenly chosen among what stood in front of the match.
    """

    length: int = 0
    total: int = 0
    places: tuple[Place, ...] = ()


class SuffixIndex:
    """The held sources and where their tokens stand. Every call with the same past answers the same."""

    def __init__(self, capacity: int, *, depth: int = DEPTH) -> None:
        """Hold at most ``capacity`` tokens, in some 250 bytes each at a ``depth`` of 32. Both at least 1."""
        if capacity < 1 or depth < 1:
            raise ValueError("A suffix index needs room for a token and a depth of one.")
        self._capacity = capacity
        self._depth = depth
        self._held = 0
        self._serial = 0
        self._sources: dict[Origin, HeldText] = {}  # used longest ago first
        self._names: dict[int, Origin] = {}  # by serial
        self._posted: dict[int, list[bytes]] = {}  # by token

    def __len__(self) -> int:
        """Tokens held."""
        return self._held

    @property
    def sources(self) -> tuple[Origin, ...]:
        """The sources held, used longest ago first."""
        return tuple(self._sources)

    def tokens(self, source: Origin) -> tuple[int, ...]:
        """What is held of a source; nothing of an unknown one."""
        text = self._sources.get(source)
        return tuple(text.tokens) if text else ()

    def put(self, source: Origin, tokens: Sequence[int], *, keep: Collection[Origin] = ()) -> None:
        """Hold ``tokens`` as what ``source`` says now, posting only what has changed.

        Sources used longest ago make room, but none of ``keep``; what does not fit even so is left
        out, from the start of ``tokens`` on. No tokens: the source is dropped.
        """
        room = self.reserve(len(tokens), keep=(*keep, source), instead_of=source)
        wanted = list(tokens[max(len(tokens) - room, 0) :])
        if not wanted:
            self.drop(source)
            return
        text = self._touched(source)
        front = common_prefix(text.tokens, wanted)
        back = common_suffix(text.tokens[front:], wanted[front:])
        self._splice(text, front, len(text) - back, wanted[front : len(wanted) - back])

    def extend(self, source: Origin, tokens: Sequence[int]) -> None:
        """Add ``tokens`` behind what ``source`` says, as far as there is room. Drops nothing."""
        fitting = tokens[: self._capacity - self._held]
        if fitting:
            text = self._touched(source)
            self._splice(text, len(text), len(text), fitting)

    def truncate(self, source: Origin, length: int) -> None:
        """Forget the tokens of ``source`` from position ``length`` on, and the source if none is left."""
        text = self._sources.get(source)
        if text is None or length >= len(text):
            return
        self._splice(text, length, len(text), ())
        if not length:
            del self._sources[source], self._names[text.serial]

    def drop(self, source: Origin) -> None:
        """Forget a source; an unknown one is none."""
        self.truncate(source, 0)

    def reserve(self, count: int, *, keep: Collection[Origin] = (), instead_of: Origin | None = None) -> int:
        """Drop sources used longest ago, none of ``keep``, until ``count`` tokens find room.

        The tokens of ``instead_of`` count as room. Returns the room there is.
        """
        own = self._sources.get(instead_of) if instead_of else None
        room = self._capacity - self._held + (len(own) if own else 0)
        for source, text in list(self._sources.items()):
            if room >= count:
                break
            if source not in keep:
                room += len(text)
                self.drop(source)
        return room

    def match(self, context: Sequence[int]) -> Match:
        """The longest match of the end of ``context``, up to the depth; empty if there is none."""
        if not context or not (posted := self._posted.get(context[-1])):
            return Match()
        wanted = backwards(context[-self._depth : -1])
        at = bisect_left(posted, wanted)
        length = max(common_tokens(key, wanted) for key in posted[max(at - 1, 0) : at + 1])
        shared = wanted[: length * TOKEN_BYTES]
        start, stop = bisect_left(posted, shared), bisect_left(posted, shared + _BEHIND_ALL)
        stride = -(-(stop - start) // CANDIDATES)
        return Match(length + 1, stop - start, self._places(posted[start:stop:stride]))

    def following(self, place: Place, count: int) -> tuple[int, ...]:
        """At most ``count`` tokens from a place on."""
        return tuple(self._sources[place.source].tokens[place.at : place.at + count])

    def _places(self, keys: Sequence[bytes]) -> tuple[Place, ...]:
        found = [Place(self._names[serial], label) for serial, label in map(place_of, keys)]
        if len({source for source, _ in found}) == 1:
            found.sort(key=lambda place: -place.at)
        else:
            rank = {source: at for at, source in enumerate(self._sources)}
            found.sort(key=lambda place: (-rank[place.source], -place.at))
        return tuple(Place(source, self._sources[source].position(label) + 1) for source, label in found)

    def _touched(self, source: Origin) -> HeldText:
        """The text of a source, which is the one used last from now on."""
        text = self._sources.pop(source, None)
        if text is None:
            self._serial += 1
            text = HeldText(self._serial, self._depth)
            self._names[text.serial] = source
        self._sources[source] = text
        return text

    def _splice(self, text: HeldText, start: int, stop: int, tokens: Sequence[int]) -> None:
        """Put ``tokens`` in place of ``[start, stop)``; where no labels are left, all of the text anew."""
        if start == stop and not tokens:
            return
        if not text.has_labels(start, stop, len(tokens)):
            tokens = [*text.tokens[:start], *tokens, *text.tokens[stop:]]
            start, stop = 0, len(text)
        first = max(start - 1, 0)  # it may get something behind it, or lose that
        self._unpost(text, first, min(stop + self._depth - 1, len(text) - 1))
        text.splice(start, stop, tokens)
        self._held += len(tokens) - (stop - start)
        self._post(text, first, min(start + len(tokens) + self._depth - 1, len(text) - 1))

    def _post(self, text: HeldText, start: int, stop: int) -> None:
        for token, key in zip(text.tokens[start:stop], text.keys(start, stop), strict=True):
            insort(self._posted.setdefault(token, []), key)

    def _unpost(self, text: HeldText, start: int, stop: int) -> None:
        for token, key in zip(text.tokens[start:stop], text.keys(start, stop), strict=True):
            posted = self._posted[token]
            del posted[bisect_left(posted, key)]
            if not posted:
                del self._posted[token]
