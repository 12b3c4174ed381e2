"""The only door to tree-sitter: from a text to the tags that a language's query captures, as plain values."""

import importlib
from types import MappingProxyType
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Query, QueryCursor

from retrieval.queries import QUERIES

_GRAMMARS = MappingProxyType(
    {
        "python": ("tree_sitter_python", "language"),
        "javascript": ("tree_sitter_javascript", "language"),
        "javascriptreact": ("tree_sitter_javascript", "language"),
        "typescript": ("tree_sitter_typescript", "language_typescript"),
        "typescriptreact": ("tree_sitter_typescript", "language_tsx"),
        "go": ("tree_sitter_go", "language"),
        "rust": ("tree_sitter_rust", "language"),
        "java": ("tree_sitter_java", "language"),
        "c": ("tree_sitter_c", "language"),
        "cpp": ("tree_sitter_cpp", "language"),
        "csharp": ("tree_sitter_c_sharp", "language"),
        "ruby": ("tree_sitter_ruby", "language"),
        "php": ("tree_sitter_php", "language_php"),
        "kotlin": ("tree_sitter_kotlin", "language"),
        "swift": ("tree_sitter_swift", "language"),
        "scala": ("tree_sitter_scala", "language"),
        "shellscript": ("tree_sitter_bash", "language"),
    }
)
_WHOLE = ("function", "class", "type", "variable", "scope.impl", "import")
_PLAIN_NAMES = frozenset({"identifier", "this"})
"""Kinds of nodes whose text is told as a receiver; what else stands in front of a dot is not."""


class Tag(NamedTuple):
    """What one match of a query says. Offsets are bytes of the UTF-8 text; rows count from 0."""

    kind: str
    start: int
    end: int
    row: int
    end_row: int
    """Exclusive."""
    name: str = ""
    name_row: int = 0
    name_start: int = 0
    name_byte_column: int = 0
    body: int = -1
    body_row: int = 0
    scope: str = ""
    receiver: str = ""


class Tags(NamedTuple):
    """All tags of a text in the order of their starts, the outer before the inner."""

    tags: tuple[Tag, ...]
    broken: bool


class SyntaxReader:
    """Owns a parser and a query for each language that was asked for; not for two threads at once."""

    def __init__(self) -> None:
        self._loaded: dict[str, tuple[Parser, Query]] = {}

    def knows(self, language: str) -> bool:
        """Whether there is a grammar for ``language``."""
        return language in _GRAMMARS

    def tags(self, source: bytes, language: str) -> Tags:
        """What the query of ``language`` captures in ``source`` (UTF-8). KeyError for an unknown language."""
        parser, query = self._of(language)
        root = parser.parse(source).root_node
        found = [_tag(captures, source) for _, captures in QueryCursor(query).matches(root)]
        found.sort(key=lambda tag: (tag.start, -tag.end, tag.body < 0, not tag.receiver))
        return Tags(tuple(found), root.has_error)

    def _of(self, language: str) -> tuple[Parser, Query]:
        if language not in self._loaded:
            module, function = _GRAMMARS[language]
            pointer = getattr(importlib.import_module(module), function)()
            grammar = Language(pointer)  # pyright: ignore[reportDeprecated] # a capsule, which is not
            self._loaded[language] = Parser(grammar), Query(grammar, QUERIES[language])
        return self._loaded[language]


def _tag(captures: dict[str, list[Node]], source: bytes) -> Tag:
    if "call" in captures:
        return _use("call", captures["call"][0], captures.get("receiver"), source)
    if "use" in captures:
        return _use("use", captures["use"][0], None, source)
    kind = next(kind for kind in _WHOLE if kind in captures)
    node = captures[kind][0]
    named = captures.get("name", [node])[0]
    body = captures["body"][0] if "body" in captures else None
    last = node.end_point
    return Tag(
        kind,
        node.start_byte,
        node.end_byte,
        node.start_point.row,
        last.row + (last.column > 0),
        _text(named, source),
        named.start_point.row,
        named.start_byte,
        named.start_point.column,
        body.start_byte if body else -1,
        body.start_point.row if body else 0,
        _text(captures["scope"][0], source) if "scope" in captures else "",
    )


def _use(kind: str, node: Node, before: list[Node] | None, source: bytes) -> Tag:
    """Of a name that is used, which is what most tags are; ``before`` stands in front of its dot."""
    start, end = node.start_byte, node.end_byte
    row, column = node.start_point
    name = source[start:end].decode("utf-8", "replace")
    plain = before is not None and before[0].type in _PLAIN_NAMES
    receiver = _text(before[0], source) if before and plain else ""
    return Tag(kind, start, end, row, row + 1, name, row, start, column, receiver=receiver)


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")
