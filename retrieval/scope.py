"""Where the names at a cursor are defined: by name, and through the imports of the file."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from retrieval.lookups import StoredChunk
from retrieval.modules import ModuleIndex
from retrieval.records import Import, SymbolHit
from retrieval.snapshot import Snapshot

_COMMON = 20
"""A name that is defined more often than this tells nothing."""
_MOST = 200
"""Names that are looked up."""


class InScope(NamedTuple):
    """A definition of a name that a file uses or imports."""

    name: str
    chunk: StoredChunk
    """The smallest piece around it."""
    imported: bool
    """The file imports the one that it is in."""
    named: bool
    """The file imports the name itself."""
    files: int
    """So many files define the name."""


def definitions_in_scope(now: Snapshot, path: str, names: Sequence[str]) -> list[InScope]:
    """What other files than ``path`` say of ``names`` and of the names that ``path`` imports."""
    outline = now.outline(path)
    imports = outline.imports if outline else ()
    named = {there for each in imports for there, _ in each.names}
    found = _hits(now, path, list(dict.fromkeys([*names, *sorted(named)]))[:_MOST])
    language = outline.language if outline else ""
    imported = _imported(path, language, imports, (hit.path for hits in found.values() for hit in hits))
    pieces: dict[str, list[StoredChunk]] = {}
    in_scope: list[InScope] = []
    for name, hits in found.items():
        files = len({hit.path for hit in hits})
        for hit in hits:
            if hit.path not in pieces:
                pieces[hit.path] = now.chunks_of(hit.path)
            chunk = smallest_around(pieces[hit.path], hit.definition.name_line)
            if chunk is not None:
                in_scope.append(InScope(name, chunk, hit.path in imported, name in named, files))
    return in_scope


def smallest_around(chunks: Iterable[StoredChunk], line: int) -> StoredChunk | None:
    """The shortest of ``chunks`` that has the line."""
    around = [each for each in chunks if each.chunk.lines.start <= line < each.chunk.lines.end]
    return min(
        around, key=lambda each: (each.chunk.lines.end - each.chunk.lines.start, each.id), default=None
    )


def _hits(now: Snapshot, path: str, names: Sequence[str]) -> dict[str, list[SymbolHit]]:
    counts = now.definition_counts(names)
    telling = [name for name in names if 0 < counts.get(name, 0) <= _COMMON]
    found = {name: [hit for hit in now.definitions(name) if hit.path != path] for name in telling}
    return {name: hits for name, hits in found.items() if hits}


def _imported(path: str, language: str, imports: Iterable[Import], defining: Iterable[str]) -> set[str]:
    """Which of the files that define something are imported: asked of these alone, which is quick."""
    modules = ModuleIndex(defining)
    return {target for each in imports for target in modules.resolve(path, language, each)}
