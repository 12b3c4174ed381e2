"""What a refresh has to do: the files on disk against what the catalogue holds. Pure.

::

    on disk ∖ held   to read         same path, other content: read, and the old rows go with the same write
    held ∖ on disk   to drop         only where the path itself is gone
    on disk ∩ held   unchanged
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from retrieval.records import Chunk, FileKey, Outline

RACY_NS = 50_000_000
"""A file that was written this shortly before it was read may change again within the same clock tick."""


class Stat(NamedTuple):
    """What the file system says of a file without reading it."""

    size: int
    mtime_ns: int


class Held(NamedTuple):
    """A file as the catalogue has it."""

    key: FileKey
    stat: Stat


class Parsed(NamedTuple):
    """A file that was read."""

    held: Held
    outline: Outline
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Plan:
    """Paths, each in one group only."""

    read: tuple[str, ...]
    drop: tuple[str, ...]
    unchanged: tuple[str, ...]


def suspects(disk: Mapping[str, Stat], held: Mapping[str, Held]) -> tuple[str, ...]:
    """The held files whose content must be hashed again to know whether it changed, in order of path."""
    return tuple(
        path for path, stat in sorted(disk.items()) if path in held and not same(held[path].stat, stat)
    )


def same(held: Stat, stat: Stat) -> bool:
    """Whether a file can be taken for unchanged without reading it."""
    return held == stat and held.mtime_ns >= 0


def trusted(stat: Stat, now_ns: int) -> Stat:
    """What to remember of a file read at ``now_ns``: never ``same`` if it was written just before."""
    return stat if now_ns - stat.mtime_ns >= RACY_NS else Stat(stat.size, -1)


def plan(disk: frozenset[FileKey], held: frozenset[FileKey]) -> Plan:
    """What to read and what to drop, by set differences over keys."""
    paths = {key.path for key in disk}
    return Plan(
        read=tuple(sorted(key.path for key in disk - held)),
        drop=tuple(sorted({key.path for key in held - disk} - paths)),
        unchanged=tuple(sorted(key.path for key in disk & held)),
    )
