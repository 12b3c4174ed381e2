"""A drafter that speaks in words of its own (:mod:`drafts.vocabulary`), as the target's tokens.

Whoever runs the model inside knows words only: it is shown a word for every token, so positions are the
target's, and edits are followed as with any other model.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace

from drafts.draft import CostlyDrafter, Draft, Source, Verdict
from drafts.vocabulary import Vocabulary
from kvcache.spans import TaggedTokens


class WordsDrafter(CostlyDrafter):
    """Translates for a drafter of words. Lives on the engine thread."""

    def __init__(self, name: str, speaker: CostlyDrafter, vocabulary: Vocabulary) -> None:
        """``speaker`` drafts words of ``vocabulary``; all that is said of it is said of ``name``."""
        self._name = name
        self._speaker = speaker
        self._vocabulary = vocabulary

    @property
    def name(self) -> str:
        """As it is called in settings, traces and tables."""
        return self._name

    @property
    def token_s(self) -> float:
        """See :class:`~drafts.draft.CostlyDrafter`."""
        return self._speaker.token_s

    def pending_s(self, source: Source) -> float:
        """See :class:`~drafts.draft.CostlyDrafter`."""
        return self._speaker.pending_s(self._source(source))

    def begin(self, source: Source) -> Generator[None, None, None]:
        """See :class:`~drafts.draft.Drafter`."""
        return self._speaker.begin(self._source(source))

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """The likeliest words behind ``output``, as tokens."""
        return self.guess(output, most, 0.0)

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        """See :class:`~drafts.draft.CostlyDrafter`."""
        said = self._speaker.guess(self._read(output), most, floor)
        return replace(said, drafter=self._name, tokens=tuple(map(self._vocabulary.token, said.tokens)))

    def observe(self, verdict: Verdict) -> None:
        """See :class:`~drafts.draft.Drafter`."""
        draft = replace(verdict.draft, tokens=self._read(verdict.draft.tokens))
        self._speaker.observe(replace(verdict, draft=draft, own=self._read((verdict.own,))[0]))

    def end(self) -> None:
        """See :class:`~drafts.draft.Drafter`."""
        self._speaker.end()

    def forget(self, document: str) -> None:
        """See :class:`~drafts.draft.Drafter`."""
        self._speaker.forget(document)

    def _source(self, source: Source) -> Source:
        prompt = TaggedTokens(self._read(source.prompt.ids), source.prompt.spans)
        return replace(source, prompt=prompt, predicted=())

    def _read(self, tokens: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(int, self._vocabulary.read(tokens)))
