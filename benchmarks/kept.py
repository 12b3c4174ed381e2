"""Findings in a file that grows by a line each, so that a run which was broken off goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.infills import Answer


class Judged(msgspec.Struct, frozen=True, tag=True):
    """An answer and what became of it."""

    name: str
    answer: Answer
    passed: bool
    reason: str
    exact: bool


class Read(msgspec.Struct, frozen=True, tag=True):
    """A window of source text: its negative log-likelihood over ``count`` tokens, None: not told."""

    name: str
    count: int
    nats: float | None


Finding = Judged | Read


class OtherTerms(Exception):
    """The file holds findings of another model, choice of prompts or commit."""


@dataclass
class Kept:
    """The findings of one engine, by name. ``file`` None: kept in memory alone."""

    file: Path | None
    terms: Mapping[str, str | int]
    """What the findings depend on; the file's first line."""
    judged: dict[str, Judged] = field(default_factory=dict[str, Judged])
    read: dict[str, Read] = field(default_factory=dict[str, Read])

    def __post_init__(self) -> None:
        """Take up what the file holds. Raises OtherTerms; a line that was broken off is dropped."""
        if self.file is None:
            return
        held = self.file.read_bytes() if self.file.exists() else b""
        whole = held[: held.rfind(b"\n") + 1]
        first, *findings = whole.splitlines() or [b""]
        if not first:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(dict(self.terms)) + "\n", "utf-8")
            return
        self._compare(json.loads(first))
        for line in findings:
            self._note(msgspec.json.decode(line, type=Finding))
        if whole != held:
            self.file.write_bytes(whole)

    def add(self, finding: Finding) -> None:
        """Keep a finding; it is in the file when this returns."""
        self._note(finding)
        if self.file is not None:
            with self.file.open("ab") as file:
                file.write(msgspec.json.encode(finding) + b"\n")

    def _note(self, finding: Finding) -> None:
        if isinstance(finding, Judged):
            self.judged[finding.name] = finding
        else:
            self.read[finding.name] = finding

    def _compare(self, theirs: Mapping[str, str | int]) -> None:
        other = [name for name in {**self.terms, **theirs} if theirs.get(name) != self.terms.get(name)]
        if other:
            told = ", ".join(f"{name} {theirs.get(name)} instead of {self.terms.get(name)}" for name in other)
            raise OtherTerms(f"{self.file} was written with {told}: name another folder, or remove it.")
