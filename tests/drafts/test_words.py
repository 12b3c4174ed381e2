"""A drafter of words says tokens, and is told words for all that is said in tokens."""

from collections.abc import Generator, Sequence

import numpy as np

from drafts.draft import Draft, Source, Verdict
from drafts.vocabulary import Vocabulary
from drafts.words import WordsDrafter
from kvcache.spans import Role, Span, tagged

WORDS = Vocabulary(np.array([3, 5, 9], np.int32), np.array([2, 0, 1, 0, 2, 1, 0, 0, 1, 2], np.int32))
"""Tokens 3, 5 and 9 are words 0, 1 and 2; the others are read as one of them."""


class Speaker:
    """Drafts the words 2 and 0; remembers what it was told."""

    name = "speaker"
    token_s = 0.25

    def __init__(self) -> None:
        self.told: list[object] = []

    def pending_s(self, source: Source) -> float:
        return float(sum(source.prompt.ids))

    def begin(self, source: Source) -> Generator[None, None, None]:
        self.told.append(source)
        yield

    def propose(self, output: Sequence[int], most: int) -> Draft:
        raise AssertionError

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        self.told.append((tuple(output), most, floor))
        return Draft.chain(self.name, (2, 0), (0.5, 0.25))

    def observe(self, verdict: Verdict) -> None:
        self.told.append(verdict)

    def end(self) -> None:
        self.told.append("end")

    def forget(self, document: str) -> None:
        self.told.append(document)


def test_what_is_drafted_are_the_words_tokens() -> None:
    speaker = Speaker()
    drafter = WordsDrafter("tiny", speaker, WORDS)
    assert drafter.guess([4, 5, 1], 7, 0.5) == Draft.chain("tiny", (9, 3), (0.5, 0.25))
    assert speaker.told == [((2, 1, 0), 7, 0.5)]
    assert drafter.propose([4], 3).drafter == "tiny"
    assert speaker.told[1] == ((2,), 3, 0.0)
    assert (drafter.name, drafter.token_s) == ("tiny", 0.25)


def test_the_prompt_is_read_word_for_token_in_the_same_spans() -> None:
    speaker = Speaker()
    drafter = WordsDrafter("tiny", speaker, WORDS)
    source = Source(tagged([(Role.PREFIX, (4, 8)), (Role.TAIL, (3,))]), "doc", (7, 7), "python")
    for _ in drafter.begin(source):
        pass
    (told,) = speaker.told
    assert isinstance(told, Source)
    assert told.prompt.ids == (2, 1, 0)
    assert told.prompt.spans == (Span(Role.PREFIX, 0, 2), Span(Role.TAIL, 2, 3))
    assert (told.document, told.predicted, told.language) == ("doc", (), "python")
    assert drafter.pending_s(source) == 3.0


def test_a_verdict_is_told_in_words() -> None:
    speaker = Speaker()
    drafter = WordsDrafter("tiny", speaker, WORDS)
    drafter.observe(Verdict(Draft.chain("suffix", (9, 8, 3)), (0, 1), 6))
    (told,) = speaker.told
    assert isinstance(told, Verdict)
    assert told.output == (2, 1, 0)
    drafter.end()
    drafter.forget("doc")
    assert speaker.told[1:] == ["end", "doc"]
