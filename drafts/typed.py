"""Drafts a text that somebody expects: the rest of a suggestion shown earlier, or a caller's prediction.

While the output follows it, what comes next is drafted. Where the output goes another way, the way back is
looked for: the longest end of the output that stands in the prediction, nearest to where it left. A line
put in is over where its end leads into the old text; a line left out costs one pass, since the end of the
line before it stands in front of the line behind it, too; and what was put in may be a copy of text far
off. Until a way back is found, one or two changed tokens are assumed, which costs rows of a pass and no
pass. After the "speculative edits" of code editors and EfficientEdit (arXiv 2506.02780).
"""

from bisect import bisect_left
from collections.abc import Generator, Sequence
from itertools import pairwise

from drafts.draft import Draft, Source, Verdict

SHORTEST = 2
"""Tokens that must be found again for a way back."""
LOOKED_AT = 32
"""Places that are looked at, on either side of where the output left."""
LONGEST = 16
"""Tokens compared at most: of two ways back the longer one is the better."""
CHANGED = 2
"""Tokens since the output left for which it is assumed that as many took their place."""
TRUSTED = 4
"""Tokens that agree before a way back is relied on. A prediction is relied on from the start."""
PER_AGREED = 4
"""Tokens drafted for each one that agreed, and one more: their chance together is one in five."""
LOST = -1


class TypedDrafter:
    """Follows the output through the prediction. See `drafts.draft.Drafter`. Keeps nothing of a request."""

    name = "typed"

    def __init__(self) -> None:
        """Start with nothing predicted."""
        self._start(())

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Expect ``source.predicted`` behind its prompt. Has nothing to pause for."""
        self._start(source.predicted)
        yield from ()

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """Draft what the prediction says behind ``output``, the fewer tokens the less has agreed."""
        if list(output[: len(self._output)]) != self._output:
            self._start(self._predicted)
        for token in output[len(self._output) :]:
            self._take(token)
        agreed = self._agreed
        count = max(min(most, PER_AGREED * (agreed + 1)), 0)
        tokens = self._predicted[self._at : self._at + count]
        chances = [(agreed + ahead + 1) / (agreed + ahead + 2) for ahead in range(len(tokens))]
        return Draft.chain(self.name, tokens, chances)

    def observe(self, verdict: Verdict) -> None:
        """Learn nothing: the next `propose` is told the output."""

    def end(self) -> None:
        """Forget the prediction."""
        self._start(())

    def forget(self, document: str) -> None:
        """Nothing of a document outlives its request."""

    def _start(self, predicted: Sequence[int]) -> None:
        self._predicted = tuple(predicted)
        self._output: list[int] = []
        self._at = 0  # where the output goes on in the prediction, as far as is known
        self._agreed = TRUSTED  # tokens that speak for that, or LOST
        self._home = 0  # where it last went on for certain
        self._since = 0  # tokens of output since then
        self._pairs: dict[tuple[int, ...], list[int]] = {}  # of the prediction, once it was left

    def _take(self, token: int) -> None:
        """Follow one more token of output."""
        self._output.append(token)
        self._since += 1
        expected = self._predicted[self._at : self._at + 1]
        if self._agreed == LOST or expected != (token,):
            self._find_back()
            return
        self._at += 1
        self._agreed += 1
        if self._agreed >= TRUSTED:
            self._home, self._since = self._at, 0

    def _find_back(self) -> None:
        """Go on behind the longest way back, or assume a change of equal length, or be lost."""
        length, at = self._longest_way_back()
        if length >= SHORTEST:
            self._at, self._agreed = at, length - SHORTEST
        elif self._since <= CHANGED:
            self._at, self._agreed = self._home + self._since, 0
        else:
            self._agreed = LOST

    def _longest_way_back(self) -> tuple[int, int]:
        """How many tokens end both the output and the prediction up to some place, and this place.

        Of equally long ones the nearest ahead of home, then the nearest behind it.
        """
        if not self._pairs:
            self._pairs = _by_pair(self._predicted)
        places = self._pairs.get(tuple(self._output[-SHORTEST:]), [])
        middle = bisect_left(places, self._home)
        ahead, behind = places[middle:][:LOOKED_AT], places[:middle][-LOOKED_AT:]
        best = (0, self._home)
        for at in (*ahead, *reversed(behind)):
            length = self._agreement(at)
            if length > best[0]:
                best = (length, at)
        return best

    def _agreement(self, at: int) -> int:
        """Tokens in front of ``at`` that the output ends with, at most LONGEST."""
        pairs = zip(
            reversed(self._predicted[max(at - LONGEST, 0) : at]), reversed(self._output), strict=False
        )
        length = 0
        for predicted, said in pairs:
            if predicted != said:
                break
            length += 1
        return length


def _by_pair(tokens: tuple[int, ...]) -> dict[tuple[int, ...], list[int]]:
    """The places behind each pair of neighbours, ascending."""
    places: dict[tuple[int, ...], list[int]] = {}
    for at, pair in enumerate(pairwise(tokens), SHORTEST):
        places.setdefault(pair, []).append(at)
    return places
