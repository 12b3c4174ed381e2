"""What a summary is made of at each level. Pure.

A subject is a tree: a repository has folders, these have files, a file has classes and functions, a
class has methods. It is summarised from its leaves up, so that none of it needs to fit the context whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from retrieval.records import Definition, Outline, SymbolKind

_SHORT = 400
"""Characters of a code that says itself in fewer tokens than a summary takes to be written."""
Count = Callable[[str], int]
"""Tokens of a text."""


class Level(StrEnum):
    """How much one summary speaks of."""

    FUNCTION = "function"
    CLASS = "class"
    FILE = "file"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class Part:
    """A text that is shown under a title."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens at most."""

    own: int = 2_000
    """Of the subject's own text."""
    context: int = 2_000
    """Of everything around it: the skeleton, callees, chunks, summaries of its parts."""
    examples: int = 600


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be summarised."""

    level: Level
    name: str
    """Of a symbol the qualified name, else the path; of a repository its folder's name."""
    language: str
    own: str = ""
    """Its text or skeleton; empty where its parts say everything."""
    context: tuple[Part, ...] = ()
    """The most telling first: the budget cuts the end."""
    parts: tuple["Subject", ...] = ()
    known: str = ""
    """What its author says of it."""

    @property
    def spoken(self) -> str:
        """What stands for it as a part of something without a summary; empty where one is needed."""
        is_short = not self.parts and self.level in {Level.FUNCTION, Level.FILE} and len(self.own) <= _SHORT
        return self.known or (self.own if is_short else "")


def fit(parts: Iterable[Part], budget: int, count: Count) -> tuple[Part, ...]:
    """The first parts whose texts take ``budget`` tokens together; the one that passes it is cut."""
    kept: list[Part] = []
    for part in parts:
        text = clip(part.text, budget, count)
        if text:
            kept.append(Part(part.title, text))
            budget -= count(text)
        if text != part.text:
            break
    return tuple(kept)


def clip(text: str, budget: int, count: Count) -> str:
    """The longest run of whole lines from the start that takes at most ``budget`` tokens."""
    if count(text) <= budget:
        return text
    lines = text.splitlines(keepends=True)
    low, high = 0, len(lines)  # lines[:low] fit, lines[:high] do not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count("".join(lines[:middle])) <= budget else (low, middle)
    return "".join(lines[:low])


def batches(parts: Sequence[Part], budget: int, count: Count) -> list[tuple[Part, ...]]:
    """Neighbouring parts in groups of at most ``budget`` tokens; never a group of one but the last.

    A part beyond the budget is cut by whoever shows it.
    """
    groups: list[list[Part]] = []
    used = 0
    for part in parts:
        size = count(part.text)
        if not groups or (used + size > budget and len(groups[-1]) > 1):
            groups.append([])
            used = 0
        groups[-1].append(part)
        used += size
    return [tuple(group) for group in groups]


def source_of(text: str, definition: Definition) -> str:
    """The definition's own lines."""
    lines = text.split("\n")
    return "\n".join(lines[definition.lines.start : definition.lines.end])


def methods(outline: Outline, owner: Definition) -> list[Definition]:
    """The functions that stand directly in a class."""
    return [
        each
        for each in outline.definitions
        if each.qualified == f"{owner.qualified}.{each.name}"
        and each.kind in {SymbolKind.FUNCTION, SymbolKind.METHOD}
    ]


def owner_of(outline: Outline, definition: Definition) -> Definition | None:
    """The class around a method."""
    name = definition.qualified.rpartition(".")[0]
    named = (each for each in outline.definitions if each.qualified == name and name)
    return next((each for each in named if each.kind is SymbolKind.CLASS), None)


def skeleton(text: str, outline: Outline, owner: Definition, *, hide: str = "") -> str:
    """The class without the bodies of its methods, each with the first line of its docstring.

    ``hide``: the qualified name of a method whose docstring is left out.
    """
    lines = text.split("\n")
    shown: list[str] = []
    at = owner.lines.start
    for method in sorted(methods(outline, owner), key=lambda each: each.lines.start):
        body = max(method.body_line, method.name_line + 1)
        if method.lines.start < at or body >= method.lines.end:
            continue
        shown += lines[at:body]
        said = "" if method.qualified == hide else first_line(method.docstring)
        if said:
            shown.append(" " * (_indent(lines[method.name_line]) + 4) + f'"""{said}"""')
        at = method.lines.end
    return "\n".join([*shown, *lines[at : owner.lines.end]])


def first_line(docstring: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in docstring.splitlines() if line.strip()), "")


def first_paragraph(docstring: str) -> str:
    """Everything in front of the first blank line, in one line."""
    paragraph = docstring.strip().split("\n\n")[0]
    return " ".join(paragraph.split())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def folders(files: Mapping[str, Subject], name: str) -> Subject:
    """A repository out of its files: a folder with one thing in it stands for that thing."""
    return _folder(sorted(files.items()), PurePosixPath(), name)


def _folder(files: Sequence[tuple[str, Subject]], at: PurePosixPath, name: str) -> Subject:
    depth = len(at.parts)
    inside: dict[str, list[tuple[str, Subject]]] = {}
    parts: list[Subject] = []
    for path, subject in files:
        steps = PurePosixPath(path).parts
        if len(steps) == depth + 1:
            parts.append(subject)
        else:
            inside.setdefault(steps[depth], []).append((path, subject))
    for step, some in inside.items():
        folder = _folder(some, at / step, str(at / step))
        parts.append(folder.parts[0] if len(folder.parts) == 1 else folder)
    return Subject(Level.REPOSITORY, name, "", parts=tuple(parts))
