"""From the tags of a text to its outline. Pure."""

import inspect
import re

from retrieval.imports import imports_of
from retrieval.records import Definition, Import, Lines, Outline, Reference, SymbolKind
from retrieval.syntax import SyntaxReader, Tag

_STRING = re.compile(r"[rRuU]?(?:\"\"\"(.*?)\"\"\"|'''(.*?)'''|\"([^\"\n]*)\"|'([^'\n]*)')", re.DOTALL)
_ANNOTATION = re.compile(r"^(?:@[\w.]+(?:\([^()]*\))?\s+)+")
_COMMENT = ("//", "#", "/*", "*")
_KINDS = (("function", SymbolKind.FUNCTION), ("class", SymbolKind.CLASS), ("type", SymbolKind.TYPE))


def outline(text: str, language: str, reader: SyntaxReader) -> Outline:
    """The definitions, references and imports of ``text``; empty where there is no grammar."""
    if not reader.knows(language):
        return Outline(language)
    source = text.encode("utf-8", "replace")
    tags = reader.tags(source, language)
    made = _Outlining(source, text.split("\n"), language)
    for tag in tags.tags:
        made.take(tag)
    return Outline(
        language, tuple(made.definitions), tuple(made.references), tuple(made.imports), broken=tags.broken
    )


class _Outlining:
    """Collects what the tags say; a tag's surroundings were taken before it."""

    def __init__(self, source: bytes, lines: list[str], language: str) -> None:
        self.definitions: list[Definition] = []
        self.references: list[Reference] = []
        self.imports: list[Import] = []
        self._source = source
        self._lines = lines
        self._language = language
        self._seen: set[tuple[bool, int]] = set()
        self._around: list[tuple[int, str, str]] = []
        """End in bytes, qualified name, kind."""

    def take(self, tag: Tag) -> None:
        while self._around and self._around[-1][0] <= tag.start:
            self._around.pop()
        is_use = tag.kind in {"call", "use"}
        if (is_use, tag.name_start) in self._seen:
            return
        self._seen.add((is_use, tag.name_start))
        within, kind = self._around[-1][1:] if self._around else ("", "")
        if tag.kind == "import":
            self.imports += imports_of(tag.name, tag.row, self._language)
        elif is_use:
            self.references.append(Reference(tag.name, tag.row, within, tag.kind == "call", tag.receiver))
        elif tag.kind == "scope.impl":
            self._around.append((tag.end, tag.name, "class"))
        else:
            self._define(tag, within, kind)

    def _define(self, tag: Tag, within: str, around: str) -> None:
        qualified = ".".join(part for part in (tag.scope or within, tag.name) if part)
        kind = dict(_KINDS).get(tag.kind, SymbolKind.VARIABLE)
        if kind is SymbolKind.FUNCTION and (tag.scope or around == "class"):
            kind = SymbolKind.METHOD
        end = max(tag.end_row, tag.row + 1)
        before = tag.name_start - tag.name_byte_column
        prefix = self._source[before : tag.name_start].decode("utf-8", "replace")
        self.definitions.append(
            Definition(
                tag.name,
                qualified,
                kind,
                Lines(tag.row, end),
                tag.name_row,
                len(prefix),
                self._signature(tag, before),
                self._docstring(tag),
                tag.body_row if tag.body >= 0 else end,
                "" if prefix.isascii() else prefix,
            )
        )
        if tag.kind != "variable":
            self._around.append((tag.end, qualified, tag.kind))

    def _signature(self, tag: Tag, line_start: int) -> str:
        start = max(tag.start, line_start) if self._language == "python" else tag.start
        stop = tag.body if tag.body >= 0 else tag.end
        said = self._source[start : min(stop, start + 2000)].decode("utf-8", "replace")
        return _ANNOTATION.sub("", " ".join(said.split())).rstrip(":{ ").removesuffix("=>").rstrip()

    def _docstring(self, tag: Tag) -> str:
        if self._language != "python":
            return self._comment_above(tag.row)
        if tag.body < 0:
            return ""
        found = _STRING.match(self._source[tag.body : tag.end].decode("utf-8", "replace"))
        return inspect.cleandoc(next(filter(None, found.groups()), "")) if found else ""

    def _comment_above(self, row: int) -> str:
        first = row
        while first and self._lines[first - 1].lstrip().startswith(_COMMENT):
            first -= 1
            if self._lines[first].lstrip().startswith("#["):
                break
        lines = [
            re.sub(r"^\s*(/\*+|\*+/|\*|//[/!]?|#)\s?|\*/\s*$", "", line) for line in self._lines[first:row]
        ]
        return "\n".join(line.rstrip() for line in lines).strip()
