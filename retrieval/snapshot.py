"""One state of the index: what is on disk, and the unsaved buffers in front of it.

Chunks of the catalogue have the catalogue's ids. Chunks that only a buffer has get negative ones, good for
this snapshot only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from retrieval import lookups
from retrieval.catalog import Connection
from retrieval.lookups import StoredChunk, Use
from retrieval.modules import ModuleIndex
from retrieval.overlay import Buffer, coverage, symbols_in
from retrieval.records import Chunk, Found, Import, Outline, SymbolHit
from retrieval.words import terms

_USES = 1_000
"""Callers that are told at most."""


class Neighbours(NamedTuple):
    """Paths, sorted; a file is none of its own."""

    imports: tuple[str, ...]
    imported_by: tuple[str, ...]


@dataclass
class Snapshot:
    """Reads in the transaction of ``connection``; changes nothing."""

    connection: Connection
    buffers: Mapping[str, Buffer]
    _own: dict[int, StoredChunk] = field(init=False)
    """Chunks that no file has, by their negative ids."""
    _stays: dict[int, StoredChunk] = field(init=False)
    """Chunks of overlaid files whose content the buffer still has, at the buffer's lines."""

    def __post_init__(self) -> None:
        self._own, self._stays = {}, {}
        for path, buffer in sorted(self.buffers.items()):
            self._lay_over(path, buffer)

    def chunks(self, ids: Iterable[int]) -> dict[int, StoredChunk]:
        """The chunks of these ids as they are now; one that an edit has changed is left out."""
        wanted = set(ids)
        held = lookups.chunks_by_id(self.connection, (each for each in wanted if each > 0))
        found = {
            chunk_id: self._stays.get(chunk_id, stored)
            for chunk_id, stored in held.items()
            if stored.path not in self.buffers or chunk_id in self._stays
        }
        return found | {chunk_id: self._own[chunk_id] for chunk_id in wanted if chunk_id in self._own}

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """The chunks of one file, in order of lines."""
        if path not in self.buffers:
            return lookups.chunks_of(self.connection, path)
        laid = [each for each in (*self._stays.values(), *self._own.values()) if each.path == path]
        return sorted(laid, key=lambda each: each.chunk.lines)

    def with_unsaved(self, query: str, ranking: Sequence[Found]) -> list[Found]:
        """``ranking`` and chunks that only buffers have, each in front of what has less of the query.

        Their scores are those of the place they take: BM25 of two collections cannot be compared.
        """
        wanted = frozenset(terms(query))
        unsaved = [(coverage(wanted, words), chunk_id) for chunk_id, words in self._own_words()]
        unsaved = sorted((each for each in unsaved if each[0] > 0), key=lambda each: (-each[0], -each[1]))
        if not unsaved:
            return list(ranking)
        shown = self.chunks(found.chunk_id for found in ranking)
        merged: list[Found] = []
        for found in ranking:
            stored = shown.get(found.chunk_id)
            if stored is None:
                continue
            here = coverage(wanted, frozenset(terms(stored.chunk.text)))
            while unsaved and unsaved[0][0] >= here:
                merged.append(Found(unsaved.pop(0)[1], found.score))
            merged.append(found)
        return merged + [Found(chunk_id, 0.0) for _, chunk_id in unsaved]

    def definition_counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many definitions each name has in files, and in buffers besides, where it has any."""
        found = lookups.definition_counts(self.connection, names)
        wanted = set(names)
        for hit in symbols_in(self.buffers):
            if hit.definition.name in wanted:
                found.setdefault(hit.definition.name, 1)
        return found

    def chunks_defining(self, name: str, k: int) -> list[int]:
        """Ids of the chunks that define ``name``, those of buffers first."""
        own = [
            chunk_id
            for hit in symbols_in(self.buffers)
            if hit.definition.name == name
            for chunk_id in self._around(hit)
        ]
        held = lookups.chunks_defining(self.connection, name, k + len(own))
        return list(dict.fromkeys([*own, *self.chunks(held)]))[:k]

    def definitions(self, name: str) -> list[SymbolHit]:
        """The definitions of a plain or qualified name, those of buffers first."""
        own = [
            hit
            for hit in symbols_in(self.buffers)
            if name == (hit.definition.qualified if "." in name else hit.definition.name)
        ]
        return own + self._not_overlaid(lookups.definitions_named(self.connection, name))

    def definitions_of(self, names: Sequence[str]) -> dict[str, list[SymbolHit]]:
        """The definitions of each plain name that has any, those of buffers first."""
        found: dict[str, list[SymbolHit]] = {}
        wanted = set(names)
        own = [hit for hit in symbols_in(self.buffers) if hit.definition.name in wanted]
        for hit in own + self._not_overlaid(lookups.definitions_of(self.connection, names)):
            found.setdefault(hit.definition.name, []).append(hit)
        return found

    def names_like(self, pattern: str, most: int) -> list[str]:
        """The names that buffers define, and those in files that fit a LIKE pattern, each once."""
        own = (hit.definition.name for hit in symbols_in(self.buffers))
        return list(dict.fromkeys([*own, *lookups.names_like(self.connection, pattern, most)]))

    def outline(self, path: str) -> Outline | None:
        """What the syntax of a file says; None for a file that is not indexed."""
        if path in self.buffers:
            return self.buffers[path].outline
        return lookups.outline(self.connection, path)

    def callers(self, name: str) -> list[Use]:
        """Calls of ``name``, in order of path and line."""
        own = [
            Use(path, use)
            for path, buffer in self.buffers.items()
            for use in buffer.outline.references
            if use.is_call and use.name == name
        ]
        held = lookups.callers_of(self.connection, name, _USES)
        kept = [use for use in held if use.path not in self.buffers]
        return sorted([*own, *kept], key=lambda use: (use.path, use.reference.line))

    def callees(self, path: str, qualified: str) -> list[SymbolHit]:
        """Definitions of the names that the definition ``qualified`` of a file calls, in their order."""
        outline = self.outline(path)
        uses = outline.references if outline else ()
        names = dict.fromkeys(use.name for use in uses if use.is_call and use.within == qualified)
        return [hit for name in names for hit in self.definitions(name)]

    def neighbours(self, path: str) -> Neighbours:
        """The files that ``path`` imports, and those that import it, as far as imports lead to files."""
        modules = ModuleIndex(lookups.paths(self.connection) | self.buffers.keys())
        imports: set[str] = set()
        imported_by: set[str] = set()
        for importer, language, imported in self._imports():
            targets = modules.resolve(importer, language, imported)
            if importer == path:
                imports.update(targets)
            elif path in targets:
                imported_by.add(importer)
        return Neighbours(tuple(sorted(imports - {path})), tuple(sorted(imported_by)))

    def _imports(self) -> Iterator[tuple[str, str, Import]]:
        """Path, language and import, of every file and buffer."""
        for each in lookups.all_imports(self.connection):
            if each[0] not in self.buffers:
                yield each
        for importer, buffer in self.buffers.items():
            yield from ((importer, buffer.outline.language, each) for each in buffer.outline.imports)

    def _lay_over(self, path: str, buffer: Buffer) -> None:
        """Sort the buffer's chunks into those that the file has too and its own."""
        held: dict[Chunk, list[StoredChunk]] = {}
        for stored in lookups.chunks_of(self.connection, path):
            held.setdefault(_content(stored.chunk), []).append(stored)
        for chunk in buffer.chunks:
            if same := held.get(_content(chunk)):
                stored = same.pop(0)
                self._stays[stored.id] = stored._replace(chunk=chunk)
            else:
                number = -1 - len(self._own)
                self._own[number] = StoredChunk(number, path, buffer.outline.language, chunk)

    def _own_words(self) -> Iterable[tuple[int, frozenset[str]]]:
        for chunk_id, stored in self._own.items():
            buffer = self.buffers[stored.path]
            yield chunk_id, buffer.words[buffer.chunks.index(stored.chunk)]

    def _around(self, hit: SymbolHit) -> list[int]:
        """The smallest chunk of a buffer around a definition's name, if there is one."""
        line = hit.definition.name_line
        around = [
            (each.chunk.lines.end - each.chunk.lines.start, each.id)
            for each in self.chunks_of(hit.path)
            if each.chunk.lines.start <= line < each.chunk.lines.end
        ]
        return [min(around)[1]] if around else []

    def _not_overlaid(self, hits: Iterable[SymbolHit]) -> list[SymbolHit]:
        return [hit for hit in hits if hit.path not in self.buffers]


def _content(chunk: Chunk) -> Chunk:
    """The chunk wherever it stands."""
    return Chunk(chunk.kind, type(chunk.lines)(0, 0), chunk.text, chunk.name)
