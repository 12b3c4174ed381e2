"""What real commits offer to a benchmark of edits: changes, lines to complete, names to rename.

The data has a record a line: ``{"repo", "commit", "path", "language", "before", "after", "hunks", …}``,
where ``hunks`` are ``[start_before, end_before, start_after, end_after]``, lines from 1, both ends
included; an empty side has ``end = start - 1``. Texts are split at ``\\n`` only. Pure but for reading.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, compress
from pathlib import Path
from typing import Any, NamedTuple

_COMMENTS = ("#", "//", "/*", "*", '"""', "'''", "<!--")
_QUOTES = re.compile(r'"""|\'\'\'')
_WORD = re.compile(r"[A-Za-z]{2}")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_SHORTEST, _LONGEST = 4, 100
"""Characters of a line's rest that is worth asking for."""
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|async|public|private|static|abstract|unsafe|pub(?:\([\w:]+\))?)\s+)*"
    r"(?:(?:def|class|func|fn|function|struct|enum|trait|interface|type|const|let|var|static)\s+"
    r"(?:mut\s+)?(?:\([^)]*\)\s*)?(?P<named>[A-Za-z_]\w*)"
    r"|(?P<assigned>[A-Za-z_]\w*)(?:\s*:\s*[^=(){}]+)?\s:?=\s)"
)
_PLAIN = re.compile(r"[a-z]+|__.*|.{1,3}")
"""Names no case renames: a plain word means other things, too, in the same file."""
_MOST_MENTIONS = 20
"""Lines that hold a name; with more it is none in particular."""
_NEW_WORDS = ("anchor", "bundle", "carrier", "ledger", "marker", "parcel", "signal", "vessel")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Change(NamedTuple):
    """Lines ``[start, stop)`` of the final text, from 0, were ``old`` before the edit."""

    start: int
    stop: int
    old: tuple[str, ...] = ()

    @property
    def old_chars(self) -> int:
        """Code points of the old lines, with their line ends."""
        return sum(len(line) + 1 for line in self.old)

    @property
    def inserts(self) -> bool:
        """Whether it only adds lines."""
        return not self.old and self.stop > self.start

    @property
    def deletes(self) -> bool:
        """Whether it only takes lines away."""
        return bool(self.old) and self.stop == self.start


class Definition(NamedTuple):
    """``lines[line]`` gives ``name`` its meaning; the name ends at ``column``."""

    line: int
    column: int
    name: str


class Use(NamedTuple):
    """``line`` uses what ``definition`` defines; ``clutter`` counts the lines that tell the name besides.

    These are the uses in between and the name's further definitions.
    """

    definition: Definition
    line: int
    clutter: int


@dataclass(frozen=True)
class Record:
    """One file of one commit: its final lines, and what the commit changed in them."""

    name: str
    path: str
    language: str
    lines: tuple[str, ...]
    changes: tuple[Change, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each line begins, in code points; one more for the end."""
        return (*accumulate((len(line) + 1 for line in self.lines), initial=0),)

    @cached_property
    def mentions(self) -> dict[str, list[int]]:
        """Per identifier the lines that hold it, ascending."""
        found: dict[str, list[int]] = {}
        for number, line in enumerate(self.lines):
            for name in set(_IDENTIFIER.findall(line)):
                found.setdefault(name, []).append(number)
        return found

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """The functions, types, variables and constants that lines of code define, by their spelling."""
        return tuple(_definitions(self.lines, self.code))

    @cached_property
    def code(self) -> tuple[bool, ...]:
        """Per line: no comment, and not inside of one or of a Python docstring."""
        return tuple(_code(self.lines, self.language))

    @property
    def telling(self) -> tuple[Change, ...]:
        """The changes of more than blank space and brackets."""
        texts = ("".join([*each.old, *self.lines[each.start : each.stop]]) for each in self.changes)
        told = (any(map(str.isalnum, text)) for text in texts)
        return tuple(compress(self.changes, told))

    def snippet(self, count: int, rng: random.Random) -> tuple[str, ...]:
        """That many lines, or all there are, beginning with one that is not blank."""
        last = max(0, len(self.lines) - 1 - count)
        start = rng.choice([line for line in range(last + 1) if self.lines[line].strip()] or [0])
        return self.lines[start : start + count]

    def find(self, line: int, name: str) -> int:
        """The column where the identifier begins first in the line; -1 if it is not there."""
        found = word(name).search(self.lines[line])
        return found.start() if found else -1

    def renamed(self, old: str, new: str) -> "Record":
        """The record with another identifier wherever ``old`` stood in its lines, and without changes."""
        return replace(self, lines=tuple(word(old).sub(new, line) for line in self.lines), changes=())

    def size(self, change: Change) -> int:
        """How many code points longer the file became by the change."""
        return self.offsets[change.stop] - self.offsets[change.start] - change.old_chars

    def worth(self, line: int, column: int) -> bool:
        """Whether the line's rest from ``column`` is code that says something."""
        rest = self.lines[line][column:].strip()
        return self.code[line] and _SHORTEST <= len(rest) <= _LONGEST and _WORD.search(rest) is not None

    def column(self, line: int, rng: random.Random) -> int | None:
        """Where to ask in the line: behind its indentation or some characters later; None for nowhere."""
        text = self.lines[line]
        indent = len(text) - len(text.lstrip())
        typed = rng.choice((0, rng.randint(1, max(1, min(12, (len(text) - indent) // 3)))))
        columns = (column for column in (indent + typed, indent) if self.worth(line, column))
        return next(columns, None)


def read_records(path: Path) -> list[Record]:
    """The records of a file. Raises ValueError when one lacks a field or its hunks fit no text."""
    rows = (json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip())
    try:
        return [_record(row) for row in rows]
    except KeyError as error:
        raise ValueError(f"A record of {path} lacks the field {error}.") from error


def _record(row: dict[str, Any]) -> Record:
    name = f"{row['repo']}@{row['commit'][:8]}:{row['path']}"
    old, new = row["before"].split("\n"), row["after"].split("\n")
    changes = tuple(Change(c - 1, d, tuple(old[a - 1 : b])) for a, b, c, d in row["hunks"])
    if undone(new, changes) != old:
        raise ValueError(f"The hunks of {name} do not lead from its text before to its text after.")
    return Record(name, row["path"], row["language"], tuple(new), changes)


def undone(lines: Sequence[str], changes: Sequence[Change]) -> list[str]:
    """The lines as they were before the changes, which are in order and apart."""
    found = list(lines)
    for start, stop, old in reversed(changes):
        found[start:stop] = old
    return found


def _code(lines: Sequence[str], language: str) -> Iterator[bool]:
    prose = False
    for line in lines:
        bare, was = line.lstrip(), prose
        if language == "python":
            prose ^= len(_QUOTES.findall(line)) % 2 == 1
        else:
            prose = (prose or bare.startswith("/*")) and "*/" not in line
        yield not (was or prose or bare.startswith(_COMMENTS))


def _definitions(lines: Sequence[str], code: Sequence[bool]) -> Iterator[Definition]:
    for number, line in enumerate(lines):
        found = _DEFINITION.match(line) if code[number] else None
        if found is None or found.lastgroup is None:
            continue
        name = found[found.lastgroup]
        if not _PLAIN.fullmatch(name):
            yield Definition(number, found.end(found.lastgroup), name)


def far_uses(record: Record, nearest: float, furthest: float) -> Iterator[Use]:
    """Uses of a definition that begin so many code points behind its name, before it is defined again."""
    for definition in record.definitions:
        mentions = record.mentions[definition.name]
        if len(mentions) > _MOST_MENTIONS:
            continue
        defined = {each.line for each in record.definitions if each.name == definition.name}
        start = record.offsets[definition.line] + definition.column
        again = min((line for line in defined if line > definition.line), default=len(record.lines))
        behind = [line for line in mentions if definition.line < line < again]
        for between, line in enumerate(behind):
            column = record.find(line, definition.name)
            if column >= 0 and nearest <= record.offsets[line] + column - start <= furthest:
                yield Use(definition, line, between + len(defined) - 1)


def word(name: str) -> re.Pattern[str]:
    """Finds ``name`` where it is a whole identifier."""
    return re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")


def lines_with(text: str, name: str, *, but: int) -> tuple[tuple[int, int], ...]:
    """Where the lines are, without line ends, that hold the identifier; line ``but`` is left out."""
    lines = text.split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    found = (number != but and word(name).search(line) is not None for number, line in enumerate(lines))
    return tuple(
        (start, start + len(line)) for start, line in compress(zip(starts, lines, strict=False), found)
    )


def new_name(old: str, record: Record, rng: random.Random) -> str:
    """Another name in the style of ``old`` that the file does not hold; it keeps half the words."""
    parts = _PARTS.findall(old)
    kept = parts[len(parts) // 2 :]
    for fresh in rng.sample(_NEW_WORDS, len(_NEW_WORDS)):
        name = _styled([fresh, *kept], old)
        if name not in record.mentions:
            return name
    raise ValueError(f"Every new name for {old} is taken.")


def _styled(parts: Sequence[str], like: str) -> str:
    """The parts as a snake_case, UPPER_CASE, camelCase or PascalCase name, as ``like`` is."""
    lead = "_" * (len(like) - len(like.lstrip("_")))
    bare = like.strip("_")
    if bare.upper() == bare:
        return lead + "_".join(part.upper() for part in parts)
    if "_" in bare or bare.lower() == bare:
        return lead + "_".join(part.lower() for part in parts)
    first = parts[0].capitalize() if bare[0].isupper() else parts[0].lower()
    return lead + first + "".join(part[0].upper() + part[1:] for part in parts[1:])
