"""The rows that summaries are measured with: what is shown, and what the author says of it.

The docstring that is to be guessed is cut out of everything that is shown.
"""

import ast
import itertools
import random
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from completion.summaries.levels import Level, Part, Subject, first_paragraph
from completion.summaries.prompting import Example
from completion.summaries.subjects import Source, function
from retrieval.reading import read
from retrieval.records import Definition, Snippet, SymbolHit, SymbolKind
from retrieval.syntax import SyntaxReader

_LEAST_WORDS = 4
_TELLING = 40
"""So many characters of a summary are enough to know it again."""


class Case(NamedTuple):
    """A subject as one way shows it, and what its author says."""

    subject: Subject
    reference: str
    examples: tuple[Example, ...] = ()


def undocumented(code: str, name: str | None = None) -> str:
    """``code`` without the docstring of every function called ``name``; None: of every definition.

    Code that does not parse is handed back as it is.
    """
    try:
        tree = ast.parse(textwrap.dedent(code))
    except SyntaxError:
        return code
    lines = textwrap.dedent(code).split("\n")
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [each for each in ast.walk(tree) if isinstance(each, kinds) and name in {None, each.name}]
    for each in sorted(found, key=lambda each: each.lineno, reverse=True):
        if ast.get_docstring(each, clean=False) is not None:
            said = each.body[0]
            indent = " " * said.col_offset
            lines[said.lineno - 1 : said.end_lineno] = [] if len(each.body) > 1 else [f"{indent}..."]
    return "\n".join(lines)


def mce_case(row: Mapping[str, str], shown: str = "") -> Case:
    """A method, with the column ``shown`` of its row as context; its docstring is nowhere."""
    code = undocumented(row["method_code"])
    name = _name_of(code)
    context = (Part("Its class", undocumented(row[shown], name)),) if shown else ()
    return Case(Subject(Level.FUNCTION, name, "python", own=code, context=context), row["method_summary"])


def is_told(row: Mapping[str, str]) -> bool:
    """Whether what is asked for still stands in the class or skeleton of a row.

    So it does where the class does not parse, or where another method says the same.
    """
    return any(is_shown(mce_case(row, column)) for column in ("class_code", "skeleton"))


def is_shown(case: Case) -> bool:
    """Whether what is asked for stands in what is shown: another method of the class may say the same."""
    told = _plain(case.reference)[:_TELLING]
    shown = (case.subject.own, *(part.text for part in case.subject.context))
    return any(told in _plain(text) for text in shown)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def mcsn_case(row: Mapping[str, str]) -> Case:
    """A method alone."""
    code = undocumented(row["method_code"])
    return Case(Subject(Level.FUNCTION, row["method_name"], "python", own=code), row["method_summary"])


def _name_of(code: str) -> str:
    return code.partition("def ")[2].partition("(")[0].strip()


class Names:
    """The repository as far as names tell: what a function calls. It searches nothing."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._hits: dict[str, list[SymbolHit]] = {}
        self._outlines = {source.path: source.outline for source in sources}
        for source in sources:
            for each in source.outline.definitions:
                hit = SymbolHit(source.path, "python", each)
                self._hits.setdefault(each.name, []).append(hit)

    def callees(self, path: str, qualified: str) -> list[SymbolHit]:
        uses = self._outlines[path].references
        called = dict.fromkeys(use.name for use in uses if use.is_call and use.within == qualified)
        found = (self._hits.get(name, []) for name in called)
        return [hits[0] for hits in found if len(hits) == 1]

    def search(self, _query: str, _k: int = 10) -> list[Snippet]:
        return []


def repository_cases(rows: Sequence[Mapping[str, str]], most: int, choice: random.Random) -> list[Case]:
    """Documented functions, with what is around them; no docstring of theirs is shown."""
    reader = SyntaxReader()
    by_repository: dict[str, list[Source]] = {}
    for row in rows:
        outline, _ = read(row["content"], "python", reader)
        by_repository.setdefault(row["repository"], []).append(Source(row["file"], row["content"], outline))
    found: list[tuple[str, Source, Definition]] = [
        (name, source, each)
        for name, sources in by_repository.items()
        for source in sources
        for each in source.outline.definitions
        if each.kind in {SymbolKind.FUNCTION, SymbolKind.METHOD}
        and len(first_paragraph(each.docstring).split()) >= _LEAST_WORDS
    ]
    indexes = {name: Names(sources) for name, sources in by_repository.items()}
    mixed = choice.sample(found, len(found))
    cases = (_repository_case(source, each, indexes[name]) for name, source, each in mixed)
    return list(itertools.islice((case for case in cases if not is_shown(case)), most))


def _repository_case(source: Source, definition: Definition, index: Any) -> Case:
    subject = function(source, definition, index)
    bare = replace(subject, own=undocumented(subject.own, definition.name), known="")
    return Case(bare, first_paragraph(definition.docstring))
