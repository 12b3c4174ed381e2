"""Docstrings proposed for Python definitions that have none. Pure; writes no file."""

import ast
import difflib
import textwrap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_WIDTH = 100


class Place(NamedTuple):
    """Where a docstring would stand."""

    qualified: str
    line: int
    """From 0: the line of the first statement, which the docstring goes in front of."""
    indent: str


def places(text: str) -> list[Place]:
    """Functions and classes without a docstring, by line. Raises SyntaxError.

    Bodies on the line of their header are passed by: there is no line to put one in.
    """
    return list(_places(ast.parse(text), "", text.split("\n")))


def _places(node: ast.AST, within: str, lines: list[str]) -> Iterator[Place]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _places(child, within, lines)
            continue
        name = f"{within}{child.name}"
        first = child.body[0]
        above = [each.lineno for each in getattr(first, "decorator_list", ())]
        line = min([first.lineno, *above]) - 1
        before = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
        alone = first.col_offset == len(before.encode()) and not lines[line - 1].endswith("\\")
        if ast.get_docstring(child, clean=False) is None and alone:
            yield Place(name, line, before)
        yield from _places(child, f"{name}.", lines)


def quoted(summary: str, indent: str) -> str:
    """A docstring literal whose value is ``summary``, but for line breaks; no line end behind it."""
    safe = " ".join(summary.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if safe.endswith('"'):
        safe = safe[:-1] + '\\"'
    width = max(40, _WIDTH - len(indent) - 6)
    wrapped = textwrap.wrap(safe, width, break_long_words=False, break_on_hyphens=False)
    if len(wrapped) <= 1:
        return f'{indent}"""{safe}"""'
    return f'{indent}"""' + f"\n{indent}".join(wrapped) + f'\n{indent}"""'


def with_docstrings(text: str, summaries: Mapping[str, str]) -> str:
    """``text`` with a docstring for every definition named in ``summaries`` that has none.

    The result parses. Raises SyntaxError for a text that does not.
    """
    lines = text.split("\n")
    for place in sorted(places(text), key=lambda each: each.line, reverse=True):
        summary = " ".join(summaries.get(place.qualified, "").replace("\0", "").split())
        if summary:
            lines.insert(place.line, quoted(summary, place.indent))
    made = "\n".join(lines)
    ast.parse(made)
    return made


def as_diff(path: str, before: str, after: str) -> str:
    """A unified diff as ``patch -p1`` takes it; empty when nothing changes."""
    shown = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in shown
    )


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{line}\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
