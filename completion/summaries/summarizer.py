"""Writes summaries on the engine thread, in the background's steps, from the leaves of a subject up."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from completion.background import Background
from completion.detokenize import ByteDecoder
from completion.summaries.cache import Summary, SummaryCache, digest_of
from completion.summaries.levels import Budget, Level, Part, Subject, batches
from completion.summaries.prompting import (
    ANSWER_TOKENS,
    Example,
    choose_examples,
    encode,
    is_whole,
    question,
    so_far,
    tidy,
)

Emit = Callable[[str], None]
"""Takes the text so far, on the engine thread."""
OnPart = Callable[[int, int, str], None]
"""Takes how many summaries are done, of how many, and the name of the next one; on the engine thread."""
Steps = Generator[None, None, Summary]


def write_text(
    background: Background,
    prompt: Sequence[int],
    most: int,
    emit: Emit | None = None,
    *,
    is_done: Callable[[str], bool] = lambda text: "\n\n" in text.lstrip(),
) -> Generator[None, None, str]:
    """What the model says behind ``prompt``, greedily, ``most`` tokens at most; a step a token.

    It ends early where ``is_done`` says so of the text.

    Closing it gives the store back. Raises CacheFull.
    """
    text, decoder = "", ByteDecoder()
    with background.store(len(prompt) + most) as store:
        yield from background.read(store, prompt[:-1])
        latest = prompt[-1]
        for _ in range(most):
            made = yield from background.write(store, [latest], 1)
            if not made:
                break
            latest = made[0]
            text += decoder.feed(background.codec.bytes_of(latest))
            if emit:
                emit(text)
            if is_done(text):
                break
    return text + decoder.finish()


@dataclass(frozen=True)
class Summarizer:
    """Summarises subjects. Only :class:`SummaryCache` is written to."""

    model: str
    """Names the weights; a summary of other weights is stale."""
    cache: SummaryCache | None = None
    budget: Budget = field(default_factory=Budget)
    examples: tuple[Example, ...] = ()
    """Docstrings of the repository."""

    def summarize(
        self,
        subject: Subject,
        background: Background,
        emit: Emit | None = None,
        on_part: OnPart | None = None,
    ) -> Steps:
        """The summary of ``subject``; of its parts none is streamed.

        Closing it leaves the summaries of the parts that were done, and nothing of the one in the works.
        Raises CacheFull.
        """
        return (yield from self._whole(subject, background, _Tally(count_of(subject), on_part), emit))

    def _whole(
        self, subject: Subject, background: Background, tally: "_Tally", emit: Emit | None = None
    ) -> Steps:
        parts: list[Part] = []
        for part in subject.parts:
            said = part.spoken or (yield from self._whole(part, background, tally)).text
            parts.append(Part(part.name, said))
        parts = yield from self._reduce(subject, parts, background)
        tally.next(subject.name)
        return (yield from self._write(subject, (*parts, *subject.context), background, emit))

    def _reduce(
        self, subject: Subject, parts: list[Part], background: Background
    ) -> Generator[None, None, list[Part]]:
        """Summaries of groups of the parts, again and again, until they fit the budget."""
        count = _counter(background)
        while len(parts) > 1 and sum(count(part.text) for part in parts) > self.budget.context:
            reduced: list[Part] = []
            for group in batches(parts, self.budget.context, count):
                named = f"{group[0].title} to {group[-1].title}"
                some = replace(subject, level=Level.FILE, name=named, own="", context=group, parts=())
                said = yield from self._write(some, group, background, None)
                reduced.append(Part(named, said.text))
            parts = reduced
        return parts

    def _write(
        self, subject: Subject, context: Sequence[Part], background: Background, emit: Emit | None
    ) -> Steps:
        count = _counter(background)
        chosen = choose_examples(subject, self._tone(subject), budget=self.budget.examples, count=count)
        asked = question(subject, context, chosen, budget=self.budget, count=count)
        digest = digest_of(self.model, asked)
        known = self.cache and self.cache.get(digest)
        if known:
            if emit:
                emit(known.text)
            return known
        text = yield from self._answer(subject.level, asked, background, emit)
        made = Summary(subject.level.value, subject.name, text, self.model, digest)
        if self.cache:
            self.cache.put(made)
        return made

    def _answer(
        self, level: Level, asked: str, background: Background, emit: Emit | None
    ) -> Generator[None, None, str]:
        tokens = encode(asked, level, background.codec, background.chat)
        shown: Emit | None = (lambda text: emit(so_far(text, level))) if emit else None
        most = ANSWER_TOKENS(level) or 0
        answer = yield from write_text(
            background, tokens, most, shown, is_done=lambda text: is_whole(text, level)
        )
        return tidy(answer, level)

    def _tone(self, subject: Subject) -> tuple[Example, ...]:
        return self.examples if subject.level is Level.FUNCTION else ()


class _Tally:
    """Tells how far a summary is."""

    def __init__(self, total: int, on_part: OnPart | None) -> None:
        self._done = 0
        self._total = total
        self._on_part = on_part

    def next(self, name: str) -> None:
        """The summary of ``name`` is begun."""
        if self._on_part:
            self._on_part(self._done, self._total, name)
        self._done += 1


def count_of(subject: Subject) -> int:
    """How many summaries have to be written for one, itself included."""
    return 1 + sum(count_of(part) for part in subject.parts if not part.spoken)


def _counter(background: Background) -> Callable[[str], int]:
    return lambda text: len(background.codec.encode(text))
