"""The repository's files as the index sees them: which are there, what they say, and why one is left out."""

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from retrieval.config import RetrievalConfig
from retrieval.errors import NotIndexed, OutsideRoot
from retrieval.languages import PLAIN, language_of
from retrieval.reading import read
from retrieval.records import Chunk, FileKey, Outline
from retrieval.refresh import Held, Parsed, Stat, trusted
from retrieval.secrets import secret_in
from retrieval.syntax import SyntaxReader
from retrieval.walk import decode, read_text, reason_against, walk

_UNREADABLE = "binary, secret or unreadable"
"""What is found out by reading only."""
_FIRST = 200
"""Characters or bytes that a first line is looked for in."""


class OnDisk(NamedTuple):
    """A file that is to be indexed, as far as known without reading it."""

    language: str
    stat: Stat


@dataclass
class Scan:
    """What a look at the repository found."""

    files: dict[str, OnDisk] = field(default_factory=dict[str, OnDisk])
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Paths that are not indexed, by reason."""


class Scanner:
    """Looks at ``root``, which is resolved, by the rules of ``config``. Changes nothing."""

    def __init__(self, root: Path, config: RetrievalConfig) -> None:
        self.root = root
        self.config = config
        self._own = threading.local()
        """Each thread's reader of syntax: one is not for two threads at once."""

    def relative(self, path: str | Path) -> str:
        """The path below the root, with ``/``; links in its folders are followed. Raises OutsideRoot."""
        name = os.path.normpath(self.root / path)
        for given in (name, os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))):  # noqa: PTH118, PTH119, PTH120 - pathlib raises at a link to itself
            below = os.path.relpath(given, self.root)
            if below != ".." and not below.startswith("../"):
                return "" if below == "." else below
        raise OutsideRoot(f"{path} lies outside the repository {self.root}.")

    def everything(self) -> Scan:
        """Every file that is to be indexed."""
        walked = walk(self.root, max_bytes=self.config.max_file_bytes, max_files=self.config.max_files)
        return Scan(dict(self._on_disk(walked.paths)), Counter(walked.left_out))

    def some(self, paths: Collection[str]) -> Scan:
        """Those of ``paths``, and the files below them, that are to be indexed."""
        if any(os.path.isdir(self.root / path) for path in paths):  # noqa: PTH112 - pathlib raises below a closed folder
            whole = self.everything()
            return Scan({path: each for path, each in whole.files.items() if is_among(path, paths)})
        return Scan(dict(self._on_disk(path for path in sorted(paths) if self._is_wanted(path))))

    def digest(self, path: str) -> str:
        """Of the file's text; empty when it is not to be indexed any more, or cannot be."""
        try:
            return _digest(self._text(path))
        except (NotIndexed, OutsideRoot):
            return ""

    def parse(self, path: str, on_disk: OnDisk) -> Parsed | str:
        """The file as it is now, or the reason why it is not indexed."""
        now = time.time_ns()
        try:
            text = self._text(path)
        except (NotIndexed, OutsideRoot):
            return _UNREADABLE
        outline, chunks = self._read(text, on_disk.language)
        key = FileKey(path, on_disk.language, _digest(text))
        return Parsed(Held(key, trusted(on_disk.stat, now)), outline, chunks)

    def read_text(self, path: str, text: str) -> tuple[Outline, tuple[Chunk, ...]]:
        """What an unsaved text says. Raises NotIndexed for one that the index leaves alone."""
        if reason := self._reason_against(path):
            raise NotIndexed(f"{path} is left alone: {reason}.")
        if what := secret_in(text):
            raise NotIndexed(f"{path} is left alone: it holds what looks like {what}.")
        if len(text.encode("utf-8", "surrogatepass")) > self.config.max_file_bytes:
            raise NotIndexed(f"{path} is left alone: it is larger than {self.config.max_file_bytes} bytes.")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return self._read(text, language_of(path, _first_line(text)))

    def _read(self, text: str, language: str) -> tuple[Outline, tuple[Chunk, ...]]:
        return read(text, language, self._reader(), max_chars=self.config.chunk_chars)

    def _reader(self) -> SyntaxReader:
        reader = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._own.reader = SyntaxReader()
        return reader

    def _text(self, path: str) -> str:
        return read_text(self.root, path, max_bytes=self.config.max_file_bytes)

    def _is_wanted(self, path: str) -> bool:
        is_there = os.path.exists(self.root / path)  # noqa: PTH110 - pathlib raises below a closed folder
        return is_there and not self._reason_against(path)

    def _reason_against(self, path: str) -> str:
        try:
            return reason_against(self.root, path, max_bytes=self.config.max_file_bytes)
        except OSError:
            return ""  # A folder that is not there yet ignores nothing.

    def _on_disk(self, paths: Iterable[str]) -> Iterator[tuple[str, OnDisk]]:
        for path in paths:
            try:
                stat = os.stat(f"{self.root}/{path}")  # noqa: PTH116 - a Path for each file is slow
            except OSError:
                continue  # It has just gone.
            yield path, OnDisk(self._language(path), Stat(stat.st_size, stat.st_mtime_ns))

    def _language(self, path: str) -> str:
        """By the name; of a file without an extension, by its first line."""
        language = language_of(path)
        if language != PLAIN or "." in path.rpartition("/")[2]:
            return language
        try:
            with (self.root / path).open("rb") as file:
                return language_of(path, _first_line(decode(file.read(_FIRST)) or ""))
        except OSError:
            return language


def is_among(path: str, wanted: Collection[str]) -> bool:
    """Whether ``path`` is one of ``wanted`` or lies below one."""
    parts = path.split("/")
    return "" in wanted or any("/".join(parts[:depth]) in wanted for depth in range(1, len(parts) + 1))


def _first_line(text: str) -> str:
    return text[:_FIRST].partition("\n")[0]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
