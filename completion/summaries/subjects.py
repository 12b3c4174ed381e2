"""Subjects out of a document and an index: what is shown of a function, a class, a file.

The index is asked only about what will have to be written: parts that their authors described speak for
themselves.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from completion.summaries.levels import (
    Level,
    Part,
    Subject,
    first_paragraph,
    folders,
    methods,
    owner_of,
    skeleton,
    source_of,
)
from completion.summaries.prompting import Example
from completion.summaries.sources import SummaryIndex
from retrieval.records import Definition, Outline, SymbolKind

_CALLEES = 12
_CHUNKS = 4
_TELLING = 4
"""Words of a module's docstring that say more than its name again."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, read."""

    path: str
    """Relative to the repository, with ``/``."""
    text: str
    outline: Outline


def find(outline: Outline, symbol: str) -> Definition | None:
    """The definition of a qualified name, or the only one of a plain one."""
    exact = [each for each in outline.definitions if each.qualified == symbol]
    named = exact or [each for each in outline.definitions if each.name == symbol]
    return named[0] if exact or len(named) == 1 else None


def function(source: Source, definition: Definition, index: SummaryIndex | None) -> Subject:
    """Itself, its class's skeleton, its callees' signatures, pieces found for it."""
    code = source_of(source.text, definition)
    context: list[Part] = []
    owner = owner_of(source.outline, definition)
    if owner:
        shown = skeleton(source.text, source.outline, owner, hide=definition.qualified)
        context.append(Part(f"The class {owner.qualified}", shown))
    if index:
        context += [*_called(source, definition, index), *_found(source, definition, index)]
    return Subject(
        Level.FUNCTION,
        definition.qualified,
        source.outline.language,
        own=code,
        context=tuple(context),
        known=first_paragraph(definition.docstring),
    )


def _called(source: Source, definition: Definition, index: SummaryIndex) -> list[Part]:
    hits = index.callees(source.path, definition.qualified)[:_CALLEES]
    shown = "\n".join(f"{hit.definition.signature}  # {hit.path}" for hit in hits)
    return [Part("What it calls", shown)] if shown else []


def _found(source: Source, definition: Definition, index: SummaryIndex) -> list[Part]:
    query = f"{definition.name} {first_paragraph(definition.docstring)}".strip()
    pieces = index.search(query, _CHUNKS + 1)
    others = [
        each
        for each in pieces
        if each.path != source.path
        or each.lines.end <= definition.lines.start
        or each.lines.start >= definition.lines.end
    ]
    return [Part(f"From {each.path}", each.text) for each in others[:_CHUNKS]]


def whole_class(source: Source, definition: Definition, index: SummaryIndex | None) -> Subject:
    """Its skeleton, and its methods as parts."""
    parts = tuple(_as_part(source, each, index) for each in methods(source.outline, definition))
    return Subject(
        Level.CLASS,
        definition.qualified,
        source.outline.language,
        own=skeleton(source.text, source.outline, definition),
        parts=parts,
        known=first_paragraph(definition.docstring),
    )


def symbol(source: Source, definition: Definition, index: SummaryIndex | None) -> Subject:
    """A class or a function."""
    make = whole_class if definition.kind is SymbolKind.CLASS else function
    return make(source, definition, index)


def _as_part(source: Source, definition: Definition, index: SummaryIndex | None) -> Subject:
    """A class or a function beside others: what it calls is enough to tell one from another."""
    if definition.kind is SymbolKind.CLASS:
        return whole_class(source, definition, index)
    code = source_of(source.text, definition)
    known = first_paragraph(definition.docstring)
    context = _called(source, definition, index) if index and not known else []
    language = source.outline.language
    return Subject(
        Level.FUNCTION, definition.qualified, language, own=code, context=tuple(context), known=known
    )


def file(source: Source, index: SummaryIndex | None, *, whole_chars: int = 4_000) -> Subject:
    """A short file is shown whole; of a longer one its top-level classes and functions are the parts."""
    imported = index.neighbours(source.path).imports if index else ()
    context = (Part("It imports", "\n".join(imported)),) if imported else ()
    top = [
        each
        for each in source.outline.definitions
        if "." not in each.qualified
        and each.kind in {SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CLASS}
    ]
    subject = Subject(
        Level.FILE,
        source.path,
        source.outline.language,
        own=source.text.strip(),
        context=context,
        known=module_docstring(source),
    )
    if len(source.text) <= whole_chars or not top:
        return subject
    head = "\n".join(source.text.split("\n")[: min(each.lines.start for each in top)]).strip()
    parts = tuple(_as_part(source, each, index) for each in top)
    return replace(subject, own=head, parts=parts)


def module_docstring(source: Source) -> str:
    """What a Python file says of itself in its first paragraph; empty where it says nothing, or a licence."""
    if source.outline.language != "python":
        return ""
    try:
        said = first_paragraph(ast.get_docstring(ast.parse(source.text)) or "")
    except (SyntaxError, ValueError, RecursionError):  # ValueError: a null byte
        return ""
    return "" if "copyright" in said.lower() or len(said.split()) < _TELLING else said


def repository(sources: Sequence[Source], index: SummaryIndex | None, *, name: str) -> Subject:
    """Its folders and files as parts, and which file imports which."""
    files = {source.path: file(source, None if module_docstring(source) else index) for source in sources}
    whole = folders(files, name)
    if index is None:
        return whole
    graph = {path: index.neighbours(path).imports for path in sorted(files)}
    lines = [f"{path} imports {', '.join(imports)}" for path, imports in graph.items() if imports]
    return replace(whole, context=(Part("Its modules", "\n".join(lines)),)) if lines else whole


def examples_of(sources: Sequence[Source]) -> tuple[Example, ...]:
    """The documented functions of a repository, each without its docstring."""
    return tuple(
        Example(each.qualified, _undocumented(source, each), first_paragraph(each.docstring))
        for source in sources
        for each in source.outline.definitions
        if each.docstring
        and each.kind in {SymbolKind.FUNCTION, SymbolKind.METHOD}
        and not each.name.startswith("__")  # what is said of __init__ is said of its class
    )


def _undocumented(source: Source, definition: Definition) -> str:
    """The signature: what stays of a code when its docstring goes, whatever the language."""
    return definition.signature or source_of(source.text, definition).split("\n", 1)[0]
