"""The prompt of a summary: a chat for models that know one, else an instruction. Pure.

ChatML as in Qwen2.5 (arXiv 2412.15115). Examples are docstrings of the same repository, chosen by the
words that their code shares with the target's: they show the tone, not the facts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from completion.summaries.levels import Budget, Count, Level, Part, Subject, clip, fit
from completion.tokens import TextCodec

VERSION = 1
"""A summary made by another prompt is stale."""
ANSWER_TOKENS = {Level.FUNCTION: 64, Level.CLASS: 128, Level.FILE: 160, Level.REPOSITORY: 256}.get
_START, _END = "<|im_start|>", "<|im_end|>"
_SYSTEM = (
    "You document source code. You say what the code is for, in plain English, and name only "
    "what stands in what you are shown. You answer with the summary alone: no code, no list, no heading."
)
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+")


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
            return f"Summarise the class {subject.name} in one or two sentences: what it is for."
        case Level.FILE:
            return f"Summarise the file {subject.name} in two or three sentences: what it is for."
        case Level.REPOSITORY:
            return f"Summarise {subject.name} in one paragraph: what it is for, and its main parts."


def encode(text: str, codec: TextCodec) -> tuple[int, ...]:
    """The tokens of the prompt, so far as the answer begins. Text never becomes a special token."""
    start, end = codec.find(_START), codec.find(_END)
    if start is None or end is None:
        return codec.encode(f"{_SYSTEM}\n\n{text}\n\nSummary:")
    system, user = codec.encode(f"system\n{_SYSTEM}"), codec.encode(f"user\n{text}")
    line, answer = codec.encode("\n"), codec.encode("assistant\n")
    return (start, *system, end, *line, start, *user, end, *line, start, *answer)


def tidy(answer: str, level: Level) -> str:
    """The summary out of an answer: its first paragraph, in one line, of a function its first sentence."""
    paragraph = " ".join(answer.strip().removeprefix("Summary:").strip().split("\n\n")[0].split())
    if level is not Level.FUNCTION:
        return paragraph
    end = re.search(r"(?<=[a-z0-9)`'\"])\.(?=\s+[A-Z])", paragraph)
    return paragraph[: end.end()] if end else paragraph
