"""The rows and repositories that finding is measured on."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.retrieval_names import defined_names, names_in

NEAR = 20
"""Lines in front of the cursor that ask."""
_MOST_DEFINERS = 3
"""Files that define a name at most, for the name to tell where it is from."""
_SHORTEST = 4
"""Characters of a name that tells where it is from."""
_IMPORT = re.compile(r"\s*(?:import\b|from\b|export\b.*\bfrom\b|\}\s*from\b|.*\brequire\()")


@dataclass(frozen=True)
class Repository:
    """Files of one language, by path."""

    name: str
    language: str
    files: Mapping[str, str]

    @cached_property
    def definers(self) -> Mapping[str, frozenset[str]]:
        """Of each name the files that define it."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for path, text in self.files.items():
            for name in defined_names(text, self.language):
                found[name].add(path)
        return {name: frozenset(paths) for name, paths in found.items()}


@dataclass(frozen=True)
class Case:
    """A cursor in a file, and the other files that it needs."""

    repository: Repository
    path: str
    prompt: str
    """Everything in front of the cursor."""
    gold: frozenset[str]
    identifier: str = ""
    """The name that the gold files define, where the set says it."""

    @property
    def near(self) -> str:
        """The last lines in front of the cursor."""
        return "\n".join(self.prompt.split("\n")[-NEAR:])

    @property
    def query(self) -> str:
        """What a completion here would ask with: the imports, then the lines near the cursor."""
        lines = self.prompt.split("\n")[:-NEAR]
        return "\n".join([*(line for line in lines if _IMPORT.match(line)), self.near])


def crossfile(data: Path, language: str) -> list[Case]:
    """``crossfile-home``: one language's 200 rows, each with its gold files."""
    folder = data / "crossfile-home"
    repositories = _repositories(folder / f"{language}_repos.jsonl", language)
    return [
        Case(
            repositories[row["metadata"]["repository"]],
            row["metadata"]["file"],
            row["prompt"],
            frozenset(row["metadata"]["gold_files"]),
            row["metadata"]["identifier"],
        )
        for row in _rows(folder / f"{language}_line_completion_bm25.jsonl")
    ]


def repoeval(data: Path) -> list[Case]:
    """``repoeval-function``, the rows whose body needs another file.

    The set names no gold files. Ours are the other files that define a name which the body uses, its own
    file does not define and at most three files do.
    """
    folder = data / "repoeval-function"
    repositories = _repositories(folder / "repos.jsonl", "python")
    cases: list[Case] = []
    for row in _rows(folder / "function_level_2k.433.jsonl"):
        name, *parts = row["metadata"]["fpath_tuple"]
        repository, path = repositories[name], "/".join(parts)
        gold = _needed(repository, path, row["metadata"]["ground_truth"])
        if gold:
            prompt = "\n".join(repository.files[path].split("\n")[: row["metadata"]["lineno"]])
            cases.append(Case(repository, path, prompt + "\n", gold))
    return cases


def _needed(repository: Repository, path: str, body: str) -> frozenset[str]:
    needed: set[str] = set()
    for name in names_in(body):
        definers = repository.definers.get(name, frozenset())
        if len(name) >= _SHORTEST and path not in definers and len(definers) <= _MOST_DEFINERS:
            needed |= definers
    return frozenset(needed)


def _repositories(file: Path, language: str) -> dict[str, Repository]:
    files: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in _rows(file):
        files[row["repository"]][row["file"]] = row["content"]
    return {name: Repository(name, language, held) for name, held in files.items()}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
