"""From a folder to the files that are indexed, and from a file to its text. Changes nothing."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pathspec import GitIgnoreSpec

from retrieval.errors import NoRepository, NotIndexed, OutsideRoot
from retrieval.secrets import secret_in, secret_name

SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", "venv"})
SNIFFED_BYTES = 8192
IGNORE_FILES = (".gitignore", ".ignore")
"""A change of one of these changes what is indexed."""
_PLAUSIBLE = 0.95
"""Share of printable characters from which on bytes that are no UTF-8 are taken for Latin-1."""


@dataclass(frozen=True, slots=True)
class Walked:
    """The files of a root, sorted, and how many paths were left out for which reason."""

    paths: tuple[str, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The ignore files of one folder; ``base`` ends with ``/`` or is empty."""

    base: str
    spec: GitIgnoreSpec


def walk(
    root: Path,
    *,
    max_bytes: int = 1_000_000,
    max_files: int = 100_000,
    skipped: frozenset[str] = SKIPPED_FOLDERS,
) -> Walked:
    """Every file of ``root`` that its ignore files, its size and its name allow; contents are not read.

    Raises NoRepository when ``root`` is no folder.
    """
    if not root.is_dir():
        raise NoRepository(f"{root} is not a folder; name one that is there.")
    left_out: Counter[str] = Counter()
    found = list(_Walk(root, max_bytes, skipped, left_out).files())
    found.sort()
    if len(found) > max_files:
        left_out["too many files"] = len(found) - max_files
    return Walked(tuple(found[:max_files]), MappingProxyType(dict(left_out)))


class _Walk:
    """One walk over a root; counts in ``left_out`` what it passes by."""

    def __init__(self, root: Path, max_bytes: int, skipped: frozenset[str], left_out: Counter[str]) -> None:
        self._root = os.path.realpath(root)
        self._max_bytes = max_bytes
        self._skipped = skipped
        self._left_out = left_out

    def files(self) -> Iterator[str]:
        exclude = _rules(os.path.join(self._root, ".git", "info"), "", ("exclude",))  # noqa: PTH118 - a Path for each of 100,000 files is slow
        pending: list[tuple[str, tuple[_Rules, ...]]] = [("", exclude)]
        while pending:
            base, rules = pending.pop()
            folder = f"{self._root}/{base}"
            rules += _rules(folder, base, IGNORE_FILES)
            try:
                with os.scandir(folder) as entries:
                    listed = list(entries)
            except OSError:
                self._left_out["unreadable"] += 1
                continue
            for entry in listed:
                path = base + entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                reason = self._reason(entry, path, is_folder, rules)
                if reason:
                    self._left_out[reason] += 1
                elif is_folder:
                    pending.append((path + "/", rules))
                else:
                    yield path

    def reason_against(self, path: str) -> str:
        """Why ``path`` is passed by on the way from the root; empty when it is not."""
        rules = _rules(os.path.join(self._root, ".git", "info"), "", ("exclude",))  # noqa: PTH118 - as above
        parts = path.split("/")
        for depth, name in enumerate(parts):
            base = "".join(f"{part}/" for part in parts[:depth])
            rules += _rules(f"{self._root}/{base}", base, IGNORE_FILES)
            with os.scandir(f"{self._root}/{base}") as entries:
                entry = next((each for each in entries if each.name == name), None)
            if entry is None:
                return self._reason_of_absent(path, rules)
            is_folder = entry.is_dir(follow_symlinks=False)
            if reason := self._reason(entry, base + name, is_folder, rules):
                return reason
        return ""

    def _reason(self, entry: os.DirEntry[str], path: str, is_folder: bool, rules: tuple[_Rules, ...]) -> str:
        """Why the entry is left out; empty when it is not."""
        if not _is_utf8(entry.name):
            return "name is not UTF-8"
        if is_folder and entry.name in self._skipped:
            return "skipped folder"
        if _is_ignored(path + "/" if is_folder else path, rules):
            return "ignored"
        return "" if is_folder else self._reason_of_file(entry)

    def _reason_of_absent(self, path: str, rules: tuple[_Rules, ...]) -> str:
        """As ``_reason``, of a file that is not saved yet, by its name alone."""
        if not _is_utf8(path):
            return "name is not UTF-8"
        *folders, name = path.split("/")
        if self._skipped.intersection(folders):
            return "skipped folder"
        above = ("/".join(folders[:depth]) + "/" for depth in range(1, len(folders) + 1))
        if any(_is_ignored(each, rules) for each in (*above, path)):
            return "ignored"
        return "secret" if secret_name(name) else ""

    def _reason_of_file(self, entry: os.DirEntry[str]) -> str:
        if secret_name(entry.name):
            return "secret"
        try:
            if entry.is_symlink() and (reason := self._reason_of_link(entry)):
                return reason
            if not entry.is_file():
                return "not a file"
            return "too large" if entry.stat().st_size > self._max_bytes else ""
        except OSError:
            return "unreadable"

    def _reason_of_link(self, entry: os.DirEntry[str]) -> str:
        """Folders behind links are never entered, so that no loop can be; files must lie inside."""
        if entry.is_dir():
            return "link to a folder"
        target = os.path.realpath(entry.path)
        if not target.startswith(self._root.rstrip("/") + "/"):
            return "link out of the root"
        return "secret" if secret_name(target.rpartition("/")[2]) else ""


def _is_utf8(name: str) -> bool:
    """Whether a name can be kept and sent as text: the file system allows any bytes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _rules(folder: str, base: str, names: tuple[str, ...]) -> tuple[_Rules, ...]:
    lines: list[str] = []
    for name in names:
        try:
            lines += Path(folder, name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
    return (_Rules(base, GitIgnoreSpec.from_lines(lines)),) if lines else ()


def _is_ignored(path: str, rules: tuple[_Rules, ...]) -> bool:
    """The nearest ignore file that says anything about ``path`` decides (gitignore(5))."""
    for each in reversed(rules):
        said = each.spec.check_file(path[len(each.base) :]).include
        if said is not None:
            return said
    return False


def read_text(root: Path, path: str, *, max_bytes: int = 1_000_000) -> str:
    """The text of one file with ``\\n`` as its line end.

    Raises OutsideRoot when ``path`` leaves ``root``, NotIndexed when the file is too large, binary, holds a
    secret or cannot be read.
    """
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise OutsideRoot(f"{path} lies outside {root}; only files of the repository are read.")
    if secret_name(target.name) or secret_name(Path(path).name):
        raise NotIndexed(f"{path} is left alone: by its name it holds secrets.")
    try:
        if not target.is_file():
            raise NotIndexed(f"{path} is left alone: it is not a file.")
        with target.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise NotIndexed(f"{path} is left alone: it cannot be read ({error.strerror}).") from error
    if len(raw) > max_bytes:
        raise NotIndexed(f"{path} is left alone: it is larger than {max_bytes} bytes.")
    text = decode(raw)
    if text is None:
        raise NotIndexed(f"{path} is left alone: it is binary, or in an encoding that is not known.")
    if what := secret_in(text):
        raise NotIndexed(f"{path} is left alone: it holds what looks like {what}.")
    return text


def decode(raw: bytes) -> str | None:
    """UTF-8 and UTF-16 by their marks, UTF-8 without, Latin-1 where it is plausible; None: no text."""
    text = _decoded(raw)
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(raw: bytes) -> str | None:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(raw, "utf-16")
    if b"\0" in raw[:SNIFFED_BYTES]:
        return None
    text = _strict(raw, "utf-8-sig")
    if text is not None:
        return text
    guess = raw.decode("latin-1")
    printable = sum(char.isprintable() or char in "\n\r\t\f" for char in guess)
    return guess if printable >= _PLAUSIBLE * len(guess) else None


def _strict(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def reason_against(root: Path, path: str, *, max_bytes: int = 1_000_000) -> str:
    """Why ``walk`` would pass by the one file at ``path``, saved or not yet; empty when it would not."""
    counted: Counter[str] = Counter()
    one = _Walk(root, max_bytes, SKIPPED_FOLDERS, counted)
    return one.reason_against(path)
