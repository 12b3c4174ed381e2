"""The repository's files as the index sees them: which are there, what they say, and why one is left out."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from retrieval.config import RetrievalConfig
from retrieval.errors import NotIndexed, OutsideRoot
from retrieval.records import Chunk, FileKey, Outline
from retrieval.refresh import Held, Stat, trusted
from retrieval.rows import Parsed


class OnDisk(NamedTuple):
    """A file that is to be indexed, as far as known without reading it."""

    language: str
    stat: Stat


@dataclass
class Scan:
    """What a look at the repository found."""

    files: dict[str, OnDisk] = field(default_factory=dict[str, OnDisk])
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Files by the reason why they are not indexed."""


class Scanner:
    """Looks at ``root`` by the rules of ``config``. Changes nothing."""

    def __init__(self, root: Path, config: RetrievalConfig) -> None:
        self._root = root
        self._config = config

    def relative(self, path: str | Path) -> str:
        """The path below the root, with ``/``; links in its folders are followed. Raises OutsideRoot."""
        whole = self._root / path
        name = os.path.normpath(whole)
        for given in (name, str(Path(name).parent.resolve() / Path(name).name)):
            below = os.path.relpath(given, self._root)
            if not below.startswith(".."):
                return "" if below == "." else below.replace(os.sep, "/")
        raise OutsideRoot(f"{path} lies outside the repository {self._root}.")

    def everything(self) -> Scan:
        """Every file that is to be indexed."""
        from retrieval.walk import walk

        scan = Scan()
        for path, stat in walk(self._root, self._config):
            scan.files[path] = OnDisk(
                "python" if path.endswith(".py") else "text", Stat(stat.st_size, stat.st_mtime_ns)
            )
        return scan

    def some(self, paths: Collection[str]) -> Scan:
        """Those of ``paths``, and the files below them, that are to be indexed."""
        whole = self.everything()
        return Scan(
            {p: f for p, f in whole.files.items() if any(p == w or p.startswith(w + "/") for w in paths)}
        )

    def digest(self, path: str) -> str:
        """Of the file's content; empty when it cannot be read any more."""
        try:
            return _digest((self._root / path).read_bytes())
        except OSError:
            return ""

    def parse(self, path: str, on_disk: OnDisk) -> Parsed | str:
        """The file as it is now, or the reason why it is not indexed."""
        now = time.time_ns()
        from retrieval.reading import read

        content = (self._root / path).read_bytes()
        outline, chunks = read(content.decode("utf-8", "replace"), on_disk.language)
        key = FileKey(path, on_disk.language, _digest(content))
        return Parsed(Held(key, trusted(on_disk.stat, now)), outline, chunks)

    def read_text(self, path: str, text: str) -> tuple[Outline, tuple[Chunk, ...]]:
        """What an unsaved text says. Raises NotIndexed for a file that is left alone."""
        from retrieval.reading import read

        return read(text, "python")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
