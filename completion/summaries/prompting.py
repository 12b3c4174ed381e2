"""The prompt of a summary: a chat for models that were taught one, else a text of worked examples. Pure.

Examples are docstrings of the same repository, chosen by the words that their code shares with the
target's: they show the tone, not the facts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from completion.chat import ChatFormat
from completion.summaries.levels import Budget, Count, Level, Part, Subject, clip, fit
from completion.summaries.shots import SHOTS
from completion.tokens import TextCodec

VERSION = 2
"""A summary made by another prompt is stale."""
ANSWER_TOKENS = {Level.FUNCTION: 64, Level.CLASS: 128, Level.FILE: 160, Level.REPOSITORY: 256}.get
_SYSTEM = (
    "You document source code. You say what the code is for, in plain English, and name only "
    "what stands in what you are shown. You answer with the summary alone: no code, no list, no heading."
)
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+")
_LABEL = "Summary:"
_OPENING = re.compile(
    r"(The|This) (function|method)( `?[\w.]+(\(\))?`?)? (?P<verb>(?!is |was |has )[a-z]+s)\b"
)
_OPENING_WORDS = 5
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)`'\"])\.(?=\s+[A-Z`])")


@dataclass(frozen=True, slots=True)
class Example:
    """Code, and what its author wrote of it."""

    name: str
    code: str
    """Without the docstring."""
    docstring: str


def words(text: str) -> frozenset[str]:
    """The words of a code, identifiers split at humps and underscores."""
    return frozenset(word.lower() for word in _WORD.findall(text))


def choose_examples(
    target: Subject, candidates: Iterable[Example], *, most: int = 3, budget: int, count: Count
) -> tuple[Example, ...]:
    """The ``most`` likeliest by Jaccard of words, within ``budget`` tokens; never the target itself.

    An example of the target's name, of its code or of its own docstring is the target.
    """
    own = words(target.own)
    scored = sorted(
        (
            (len(own & (seen := words(each.code))) / (len(own | seen) or 1), -number, each)
            for number, each in enumerate(candidates)
            if not _is_target(target, each)
        ),
        key=lambda entry: entry[:2],
        reverse=True,
    )
    kept: list[Example] = []
    for _, _, each in scored:
        size = count(_shown(each))
        if len(kept) < most and size <= budget:
            kept.append(each)
            budget -= size
    return tuple(kept)


def _is_target(target: Subject, example: Example) -> bool:
    said = " ".join(example.docstring.split())
    same = example.name == target.name or example.code.strip() == target.own.strip()
    return same or not said or (target.known != "" and said.startswith(target.known))


def _shown(example: Example) -> str:
    return f"{example.code.strip()}\nSummary: {' '.join(example.docstring.split())}\n"


def question(
    subject: Subject, context: Sequence[Part], examples: Sequence[Example], *, budget: Budget, count: Count
) -> str:
    """What the model is asked: examples, context, the subject, the wish. Budgets are kept."""
    shown: list[str] = []
    if examples:
        shown.append("Summaries in this repository read like these:\n\n" + "\n".join(map(_shown, examples)))
    shown += [f"{part.title}:\n{part.text.rstrip()}\n" for part in fit(context, budget.context, count)]
    own = clip(subject.own, budget.own, count)
    if own:
        shown.append(f"The {subject.level} {subject.name}:\n```{subject.language}\n{own.rstrip()}\n```\n")
    return "\n".join([*shown, _wish(subject)])


def _wish(subject: Subject) -> str:
    match subject.level:
        case Level.FUNCTION:
            return f"Summarise the function {subject.name} in one sentence: what it does."
        case Level.CLASS:
            return f"Summarise the class {subject.name} in two sentences: what it is for, and what it can do."
        case Level.FILE:
            return f"Summarise the file {subject.name} in two or three sentences: what it is for."
        case Level.REPOSITORY:
            return f"Summarise {subject.name} in one paragraph: what it is for, and its main parts."


def encode(asked: str, level: Level, codec: TextCodec, chat: ChatFormat | None) -> tuple[int, ...]:
    """The tokens of the prompt, so far as the answer begins. Text never becomes a special token.

    A model that was never taught to talk goes on with a text in which such questions were answered before.
    """
    if chat is not None:
        return chat.encode(_SYSTEM, asked, codec)
    return codec.encode("\n\n".join((_SYSTEM, *SHOTS[level], f"{asked}\n\n{_LABEL}")))


def so_far(answer: str, level: Level) -> str:
    """The summary out of an answer that is still being written: a start of what ``tidy`` will make of it."""
    if _LABEL.startswith(answer.strip()):
        return ""
    paragraph = _paragraph(answer)
    if level is Level.FUNCTION and _opens(paragraph):
        return ""
    return _without_opening(paragraph, level)


def _paragraph(answer: str) -> str:
    return " ".join(answer.strip().removeprefix(_LABEL).strip().split("\n\n")[0].split())


def _opens(paragraph: str) -> bool:
    """Whether the text may turn out to begin with words that are left out."""
    first = paragraph.split(" ")
    return any(each.startswith(first[0]) for each in ("The", "This")) and len(first) < _OPENING_WORDS


def _without_opening(paragraph: str, level: Level) -> str:
    """As a docstring says it: `The function f reads a file.` is `Reads a file.`, and no more than that."""
    found = _OPENING.match(paragraph) if level is Level.FUNCTION else None
    if found:
        paragraph = found["verb"].capitalize() + paragraph[found.end() :]
    end = _SENTENCE_END.search(paragraph) if level is Level.FUNCTION else None
    return paragraph[: end.end()] if end else paragraph


def is_whole(answer: str, level: Level) -> bool:
    """Whether the summary has ended: its paragraph, or of a function its sentence."""
    text = answer.strip().removeprefix(_LABEL).lstrip()
    return "\n\n" in text or (level is Level.FUNCTION and _SENTENCE_END.search(text) is not None)


def tidy(answer: str, level: Level) -> str:
    """The summary out of an answer: its first paragraph, in one line, of a function its first sentence.

    What the model had no room to end is left out, unless it is all there is.
    """
    text = _without_opening(_paragraph(answer), level)
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends and text[-1:] not in ".!?`)" else text
