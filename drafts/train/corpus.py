"""The files a draft learns from: read from folders, filtered, each skipped one with its reason.

The result depends on what the files hold, on the rules and on the seed, not on their names or order:
documents are sorted by the hash of their content, and the same hash decides who is held out.
"""

import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from drafts.train.licences import PERMISSIVE, UNKNOWN, Licences, is_allowed
from drafts.train.secrets import secret_in, secret_name

CODE = frozenset(
    {
        ".c", ".cc", ".cpp", ".cs", ".css", ".cu", ".dart", ".ex", ".go", ".h", ".hpp", ".hs", ".html",
        ".java", ".jl", ".js", ".jsx", ".kt", ".lua", ".m", ".ml", ".php", ".pl", ".py", ".pyi", ".pyx",
        ".r", ".rb", ".rs", ".scala", ".sh", ".sql", ".swift", ".toml", ".ts", ".tsx", ".vue", ".yaml",
        ".yml", ".zig",
    }
)  # fmt: skip
PROSE = frozenset({".md", ".rst", ".txt"})
_TOOLS = frozenset({"node_modules", "__pycache__"})
_SNIFFED = 8_192


@dataclass(frozen=True)
class Rules:
    """What may be learnt from, and who is held out."""

    allowed: frozenset[str] = PERMISSIVE
    """SPDX ids; ``unknown`` lets files in whose licence nobody named."""
    endings: frozenset[str] = field(default=CODE | PROSE)
    min_bytes: int = 64
    max_bytes: int = 400_000
    max_line: int = 400
    """Characters a line on average from which on a file is taken for generated."""
    held_out: float = 0.03
    """Share of the files that nothing is learnt from."""
    seed: int = 0


class Document(NamedTuple):
    """One file's text; ``digest`` is the SHA-256 of its bytes."""

    digest: str
    text: str
    kind: Literal["code", "prose"]
    path: Path


class Skipped(NamedTuple):
    """A file, or a whole folder, that was left out."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Corpus:
    """What was found, each part in the order of digests."""

    train: tuple[Document, ...]
    held_out: tuple[Document, ...]
    skipped: tuple[Skipped, ...]

    @property
    def digest(self) -> str:
        """One hash of all documents and of how they were split."""
        parts = [
            "train", *(each.digest for each in self.train),
            "held out", *(each.digest for each in self.held_out),
        ]  # fmt: skip
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def collect(roots: Sequence[Path], rules: Rules) -> Generator[int, None, Corpus]:
    """Read all files below ``roots``; yields after each how many were looked at, returns the corpus.

    Folders and links inside of a root that point elsewhere are not followed.
    """
    found: dict[str, Document] = {}
    skipped: list[Skipped] = []
    for count, result in enumerate(_looked_at(roots, rules), 1):
        if isinstance(result, Skipped):
            skipped.append(result)
        elif result.digest in found:
            skipped.append(Skipped(result.path, f"the same as {found[result.digest].path}"))
        else:
            found[result.digest] = result
        yield count
    train, held_out = split([found[digest] for digest in sorted(found)], rules)
    return Corpus(train, held_out, tuple(skipped))


def split(documents: Sequence[Document], rules: Rules) -> tuple[tuple[Document, ...], tuple[Document, ...]]:
    """Learnt from and held out; of two documents or more at least one is held out."""
    chances = [_chance(document.digest, rules.seed) for document in documents]
    limit = max(rules.held_out, min(chances, default=0.0)) if len(documents) > 1 else 0.0
    out = [chance <= limit and limit > 0 for chance in chances]
    return (
        tuple(document for document, held in zip(documents, out, strict=True) if not held),
        tuple(document for document, held in zip(documents, out, strict=True) if held),
    )


def _chance(digest: str, seed: int) -> float:
    """A number in ``(0, 1]`` that the content and the seed decide."""
    drawn = hashlib.sha256(f"{seed}:{digest}".encode()).digest()[:8]
    return (int.from_bytes(drawn, "big") + 1) / 2**64


def _looked_at(roots: Sequence[Path], rules: Rules) -> Iterator[Document | Skipped]:
    for root in sorted({root.resolve() for root in roots}):
        licences = Licences(root)
        for path in _files(root):
            yield path if isinstance(path, Skipped) else _document(path, rules, licences)


def _files(root: Path) -> Iterator[Path | Skipped]:
    """Files below ``root``, and the folders that are passed over, in the order of their names."""
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in [name for name in inner if name.startswith(".") or name in _TOOLS]:
            inner.remove(name)
            yield Skipped(Path(folder, name), "a folder of tools")
        yield from (Path(folder, name) for name in sorted(names))


def _document(path: Path, rules: Rules, licences: Licences) -> Document | Skipped:
    if reason := _unread(path, rules):
        return Skipped(path, reason)
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Skipped(path, f"it cannot be read ({error.strerror})")
    text = _text(raw)
    if text is None:
        return Skipped(path, "it is no text")
    if len(text) > rules.max_line * (text.count("\n") + 1):
        return Skipped(path, "its lines are those of a generated file")
    if what := secret_in(text):
        return Skipped(path, f"it seems to hold {what}")
    if reason := _unlicensed(licences.of(path, text), rules.allowed):
        return Skipped(path, reason)
    kind = "prose" if path.suffix.lower() in PROSE else "code"
    return Document(hashlib.sha256(raw).hexdigest(), text, kind, path)


def _unread(path: Path, rules: Rules) -> str:
    """Why a file is not even read; empty when it is."""
    if path.is_symlink() or not path.is_file():
        return "it is a link, or no file"
    if secret_name(path.name):
        return "files of this name hold keys"
    if path.suffix.lower() not in rules.endings:
        return f"{path.suffix or 'a name without an ending'} is no source file"
    size = path.stat().st_size
    if size < rules.min_bytes:
        return "it is almost empty"
    return f"it is larger than {rules.max_bytes:,} bytes" if size > rules.max_bytes else ""


def _text(raw: bytes) -> str | None:
    if b"\0" in raw[:_SNIFFED]:
        return None
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def _unlicensed(expression: str, allowed: frozenset[str]) -> str:
    if is_allowed(expression, allowed):
        return ""
    if expression == UNKNOWN:
        return "nobody says under which licence it is"
    return f"its licence is {expression}"
