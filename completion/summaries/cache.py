"""Summaries that were written before: one small file each, found by everything the model saw."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from completion.summaries.levels import Subject
from completion.summaries.prompting import VERSION, Example

_MOST = 20_000
_SLACK = 16
"""The folder is looked through once in so many writes."""


class Summary(msgspec.Struct, frozen=True):
    """What was said of a subject, and of what it was made."""

    level: str
    name: str
    text: str
    model: str
    digest: str
    """Of everything the model saw."""
    version: int = VERSION


def digest_of(model: str, prompt: str) -> str:
    """The key of a summary: model, version of the prompt, and the prompt with all its inputs."""
    seen = "\0".join((model, str(VERSION), prompt))
    return hashlib.blake2b(seen.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def fresh(summary: Summary, now: str) -> bool:
    """Whether the summary was made of what there is now (:func:`digest_of`)."""
    return summary.digest == now and summary.version == VERSION


class Latest(msgspec.Struct, frozen=True):
    """The summary that was made last of a place, and a digest of all that its subject held then."""

    summary: Summary
    seen: str


def digest_of_subject(model: str, subject: Subject, examples: Sequence[Example]) -> str:
    """Of everything the summary of ``subject`` may be made of; no model is needed to tell it.

    It is told before budgets cut anything, so that it changes with every text a summary was made of, and
    sometimes with one that was cut away.
    """
    held = repr((model, VERSION, subject, tuple(examples)))
    return hashlib.blake2b(held.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


class SummaryCache:
    """A folder of summaries. Several processes may use one: files are replaced whole."""

    def __init__(self, folder: Path, most: int = _MOST) -> None:
        """``most`` summaries are kept, the latest used."""
        self._folder = folder
        self._most = most
        self._written = 0

    def get(self, digest: str) -> Summary | None:
        """The summary made of exactly this; None without one. A damaged file is none."""
        file = self._file(digest)
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Summary)
            os.utime(file)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found if fresh(found, digest) else None

    def put(self, summary: Summary) -> None:
        """Keep the summary. A disk that is full or may not be written keeps none; nothing is raised."""
        self._write(summary.digest, summary)

    def _write(self, name: str, content: Summary | Latest) -> None:
        with contextlib.suppress(OSError, UnicodeEncodeError):  # a path may hold what is no text
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._replace(self._file(name), msgspec.json.encode(content))
            self._written += 1
            if self._written % min(_SLACK, self._most) == 0:
                self._drop_oldest()

    def latest(self, place: str) -> Latest | None:
        """What was made last of ``place``, however old; None without one."""
        try:
            return msgspec.json.decode(self._file(_at(place)).read_bytes(), type=Latest)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def remember(self, place: str, latest: Latest) -> None:
        """Let ``latest`` be what was made last of ``place``, as far as the disk allows."""
        self._write(_at(place), latest)

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"

    def _replace(self, file: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as part:
                part.write(data)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _drop_oldest(self) -> None:
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[: max(0, len(files) - self._most)]:
            file.unlink(missing_ok=True)


def _at(place: str) -> str:
    """The name of a place's file."""
    return "at-" + hashlib.blake2b(place.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
