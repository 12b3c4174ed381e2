"""Drafts what followed when the text last went like this: open documents, past completions, the output.

The prefix and the tail of a prompt are one text, since the tail stands right behind the prefix in the
document; what stands behind the cursor is another, and so is what was retrieved. The output grows the
first, so it repeats itself as well as the document. No model is asked.
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from drafts.draft import Draft, Source, Verdict
from drafts.suffix_guess import Limits, guess
from drafts.suffix_index import DEPTH, Origin, Place, SuffixIndex
from kvcache.spans import Role, TaggedTokens

OUTPUT_ROOM = 1024
"""Tokens of output that find room beside the prompt. What comes behind them is not matched."""
LEAD = 16
"""Tokens in front of a completion that are kept with it, for its first tokens to be found by."""


@dataclass(frozen=True)
class SuffixSettings:
    """What is held, and how far it is trusted."""

    held_tokens: int = 65_536
    """Of all sources together; those used longest ago go first."""
    completions: int = 256
    """Past completions kept."""
    limits: Limits = field(default_factory=Limits)


class SuffixDrafter:
    """Keeps the index in step with the documents, and drafts from it. See `drafts.draft.Drafter`."""

    name = "suffix"

    def __init__(self, settings: SuffixSettings | None = None) -> None:
        """Start with nothing held."""
        self._settings = settings or SuffixSettings()
        self._index = SuffixIndex(self._settings.held_tokens)
        self._past: deque[Origin] = deque()
        self._number = 0
        self._document: str | None = None
        self._before: tuple[int, ...] = ()
        self._held = 0  # of these, in the index
        self._output: list[int] = []

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Put the texts of the prompt, a step each; what did not change costs a comparison."""
        self._document, self._output = source.document, []
        self._before, self._held = _text(source.prompt, Role.PREFIX, Role.TAIL), 0
        parts = self._parts()
        self._index.put(parts[0], self._before, keep=parts)
        self._held = len(self._index.tokens(parts[0]))
        yield
        self._index.put(parts[1], _text(source.prompt, Role.SUFFIX), keep=parts)
        yield
        self._index.put(parts[2], _text(source.prompt, Role.CONTEXT), keep=parts)
        self._index.reserve(OUTPUT_ROOM, keep=parts)

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """Draft what followed where the end of the prompt and ``output`` stood before."""
        self._follow(output)
        limits = self._settings.limits
        match = self._index.match((*self._before[-DEPTH:], *output[-DEPTH:]))
        if not match.length or most < 1:
            return Draft(self.name)
        count = min(limits.depth(match.length), most)
        places = sorted(match.places, key=self._is_elsewhere)
        runs = [self._index.following(place, count) for place in places]
        return guess(self.name, runs, match.length, most=most, limits=limits)

    def observe(self, verdict: Verdict) -> None:
        """Hold the output of the verdict: `end` may be the next that is called."""
        self._follow([*self._output, *verdict.output])

    def end(self) -> None:
        """Keep what was said as a past completion; of a document without a name nothing at all."""
        parts = self._parts()
        if self._document is None:
            for part in parts:
                self._index.drop(part)
        else:
            self._index.truncate(parts[0], self._held)
            self._keep(self._document)
        self._before, self._output, self._held = (), [], 0

    def forget(self, document: str) -> None:
        """Hold nothing of a document any longer, its completions included."""
        for source in self._index.sources:
            if source.document == document:
                self._index.drop(source)
        self._past = deque(origin for origin in self._past if origin.document != document)

    def _parts(self) -> tuple[Origin, ...]:
        return tuple(Origin(self._document, part) for part in ("before", "after", "context"))

    def _is_elsewhere(self, place: Place) -> bool:
        return place.source.document != self._document

    def _follow(self, output: Sequence[int]) -> None:
        """Let the held text grow by what is new in ``output``; one that says something else is put anew."""
        before = self._parts()[0]
        known = len(self._output)
        if list(output[:known]) != self._output:
            self._index.truncate(before, self._held)
            known, self._output = 0, []
        fresh = output[known:]
        self._index.extend(before, fresh)
        self._output.extend(fresh)

    def _keep(self, document: str) -> None:
        """Add the output to the past completions, with what led to it; the oldest of too many go."""
        if not self._output:
            return
        self._number += 1
        origin = Origin(document, "completion", self._number)
        self._index.put(origin, (*self._before[-LEAD:], *self._output), keep=self._parts())
        self._past.append(origin)
        while len(self._past) > self._settings.completions:
            self._index.drop(self._past.popleft())


def _text(prompt: TaggedTokens, *roles: Role) -> tuple[int, ...]:
    """The tokens of some roles, one behind the other."""
    tokens: list[int] = []
    for span in prompt.spans:
        if span.role in roles:
            tokens.extend(prompt.part(span))
    return tuple(tokens)
