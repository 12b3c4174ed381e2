"""Finding the files that a completion needs: recall of words, vectors, symbols, and all of them fused.

The query is what is known at the cursor: the imports and the last 20 lines. The file itself is left out.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine

from benchmarks.chunking import Chunker, Fit, Place, definitions, fit, spans, splits, token_counts, windows
from benchmarks.retrieval_names import definitions as defined
from benchmarks.retrieval_names import imports, names_in
from benchmarks.retrieval_sets import Case, Repository, crossfile, repoeval
from benchmarks.table import Report, Row
from retrieval.default_embedder import static_embedder
from retrieval.embed import Embedder
from retrieval.encoders import TransformerEmbedder
from retrieval.fuse import AT_A_CURSOR, fuse
from retrieval.lexical import LexicalIndex
from retrieval.records import Found, Lines
from retrieval.vectors import VectorIndex
from retrieval.words import terms

_AT = (1, 5, 10)
_DEPTH = 100
"""Chunks of a ranking that are looked at."""
_BUDGET = 1_000
"""Tokens of the best chunks whose fit is measured."""
_CHUNKERS: Sequence[tuple[str, Chunker]] = (
    ("1,000 characters", splits),
    ("40 lines, every 30", windows),
    ("definitions", definitions),
)
Ranking = list[Found]


@dataclass
class Indexed:
    """A repository, searchable: chunks by number."""

    repository: Repository
    chunks: list[tuple[str, Lines]] = field(default_factory=list[tuple[str, Lines]])
    texts: list[str] = field(default_factory=list[str])
    vectors: VectorIndex | None = None
    embedder: Embedder | None = None
    chunker: Chunker = windows

    def __post_init__(self) -> None:
        for path, text in self.repository.files.items():
            lines = text.split("\n")
            for place in self.chunker(text):
                self.chunks.append((path, place))
                self.texts.append("\n".join(lines[place.start : place.end]))
        self.connection = create_engine("sqlite://").connect()
        self.lexical = LexicalIndex(self.connection)
        self.lexical.create()
        self.lexical.add(enumerate(self.texts))
        if self.embedder is not None:
            self.vectors = VectorIndex(self.embedder.dimension)
            self.vectors.add(range(len(self.texts)), self.embedder.embed(self.texts))
        self.at: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for path, text in self.repository.files.items():
            for name, line in defined(text, self.repository.language):
                self.at[name].append((path, line))

    def chunk_of(self, path: str, line: int) -> int:
        """The chunk of ``path`` that begins last in front of ``line``."""
        return next(
            number
            for number in range(len(self.chunks) - 1, -1, -1)
            if self.chunks[number][0] == path and self.chunks[number][1].start <= line
        )


def lexical(index: Indexed, case: Case) -> Ranking:
    """BM25 of the query."""
    return index.lexical.search(case.query, _DEPTH)


def dense(index: Indexed, case: Case) -> Ranking:
    """The nearest vectors to the query's."""
    if index.vectors is None or index.embedder is None:
        return []
    return index.vectors.search(index.embedder.embed_query(case.query), _DEPTH)


def symbols(index: Indexed, case: Case) -> Ranking:
    """Definitions of the names near the cursor, those of imported files first; then the imported files."""
    files = index.repository.files
    taken = imports(case.prompt, case.path, files, index.repository.language)
    imported = {one.path for one in taken}
    named = {name for one in taken for name in one.names}
    scores: defaultdict[int, float] = defaultdict(float)
    for name, weight in _recency(case.near).items():
        places = [place for place in index.at.get(name, []) if place[0] != case.path]
        for path, line in places:
            closeness = (3.0 if path in imported else 1.0) * (2.0 if name in named else 1.0)
            scores[index.chunk_of(path, line)] += weight * closeness / len({path for path, _ in places})
    for one in taken:
        scores[index.chunk_of(one.path, 0)] += 0.05
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Found(number, score) for number, score in ranked[:_DEPTH]]


def _recency(near: str) -> dict[str, float]:
    """Names and how near the cursor they stand: 1 in its line, half of it five lines up."""
    weights: dict[str, float] = {}
    for distance, line in enumerate(reversed(near.split("\n"))):
        for name in names_in(line):
            if terms(name):
                weights.setdefault(name, 1 / (1 + distance / 5))
    return weights


_RANKINGS: Sequence[tuple[str, Callable[[Indexed, Case], Ranking]]] = (
    ("dense", dense),
    ("lexical", lexical),
    ("symbols", symbols),
)


def files_of(index: Indexed, case: Case, ranking: Sequence[int]) -> list[str]:
    """The files of a ranking of chunks, each where it comes first; not the case's own."""
    paths = dict.fromkeys(index.chunks[number][0] for number in ranking)
    return [path for path in paths if path != case.path]


def found_files(
    index: Indexed, case: Case, weights: Mapping[str, float] = AT_A_CURSOR
) -> dict[str, list[str]]:
    """Of each ranking, and of all fused, the files best first."""
    rankings = {name: ranked(index, case) for name, ranked in _RANKINGS}
    own = {
        name: [one for one in ranking if index.chunks[one.chunk_id][0] != case.path]
        for name, ranking in rankings.items()
    }
    found = {name: files_of(index, case, [one.chunk_id for one in ranking]) for name, ranking in own.items()}
    found["fused"] = files_of(index, case, [one.chunk_id for one in fuse(own, weights)])
    return found


def recalls(cases: Sequence[Case], indexes: Mapping[str, Indexed]) -> list[dict[str, float]]:
    """Of each case and ranking: 1 where a gold file is among the best 1, 5, 10, as ``dense@5``."""
    rows: list[dict[str, float]] = []
    for case in cases:
        found = found_files(indexes[case.repository.name], case)
        rows.append(
            {
                f"{name}@{k}": float(bool(case.gold & set(paths[:k])))
                for name, paths in found.items()
                for k in _AT
            }
        )
    return rows


def table(name: str, results: Sequence[Mapping[str, float]]) -> list[Row]:
    """One row a ranking: percent of all cases, and of those of odd number, which chose nothing."""
    rows: list[Row] = []
    for ranking in ("dense", "lexical", "symbols", "fused"):
        shown: dict[str, str | int | float | None] = {"set": name, "cases": len(results), "ranking": ranking}
        for k in _AT:
            shown[f"recall@{k} %"] = _percent([result[f"{ranking}@{k}"] for result in results])
        shown["odd half @5 %"] = _percent([result[f"{ranking}@5"] for result in results[1::2]])
        rows.append(shown)
    return rows


def _percent(values: Sequence[float]) -> float | None:
    return 100 * sum(values) / len(values) if values else None


def fits_of(cases: Sequence[Case], chunker: Chunker, embedder: Embedder | None) -> list[Fit]:
    """How the best chunks fit the gold definitions, for each case that has one by Python's parser."""
    indexes: dict[str, Indexed] = {}
    fits: list[Fit] = []
    for case in cases:
        files = case.repository.files
        reference = [
            (path, lines) for path in sorted(case.gold) for lines in spans(files[path], case.identifier)
        ]
        if not reference:
            continue
        name = case.repository.name
        if name not in indexes:
            indexes[name] = Indexed(case.repository, embedder=embedder, chunker=chunker)
        index = indexes[name]
        best = [number for number in best_chunks(index, case) if index.chunks[number][0] != case.path]
        corpus = {path: chunker(files[path]) for path in case.gold}
        tokens = {path: token_counts(text) for path, text in files.items()}
        places = affordable([index.chunks[number] for number in best], tokens)
        fits.append(fit(reference, places, corpus, tokens))
    return fits


def affordable(places: Sequence[Place], tokens: Mapping[str, Sequence[int]]) -> list[Place]:
    """The best of ``places`` that have 1,000 tokens together; a chunk that is too large ends them."""
    taken: list[Place] = []
    spent = 0
    for path, lines in places:
        spent += sum(tokens[path][lines.start : lines.end])
        if spent > _BUDGET:
            break
        taken.append((path, lines))
    return taken


def best_chunks(index: Indexed, case: Case) -> list[int]:
    """The chunks of all rankings fused."""
    rankings = {name: ranked(index, case) for name, ranked in _RANKINGS}
    return [one.chunk_id for one in fuse(rankings, AT_A_CURSOR)]


def _fit_row(name: str, fits: Sequence[Fit]) -> Row:
    return {
        "set": "crossfile-home python",
        "cases": len(fits),
        "ranking": f"fit of {name}",
        "token recall %": _percent([one.recall for one in fits]),
        "IoU %": _percent([one.iou for one in fits]),
        "precision Ω %": _percent([one.omega for one in fits]),
    }


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--limit", type=int, default=None, help="cases of each set at most")
    parser.add_argument(
        "--model", type=Path, default=None, help="folder of an embedding model; none: no dense"
    )
    parser.add_argument(
        "--kept", type=Path, default=None, help="where its token vectors are kept; none: run the model itself"
    )
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")


def run(options: argparse.Namespace) -> int:
    """Measure and print; the exit code."""
    embedder = _embedder(options.model, options.kept)
    sets = {
        "crossfile-home python": crossfile(options.data, "python"),
        "crossfile-home typescript": crossfile(options.data, "typescript"),
        "repoeval-function": repoeval(options.data),
    }
    rows: list[Row] = []
    notes = [
        f"Embeddings: {embedder.name if embedder else 'none'}.",
        f"Weights {dict(AT_A_CURSOR)}, chosen on even rows. Recall: on chunks of 40 lines, every 30.",
        "Recall: a gold file is among the best. repoeval-function names none: ours define names of the body.",
        f"Fit: fused chunks of {_BUDGET} tokens against the definition in the gold file.",
    ]
    for name, whole in sets.items():
        cases = whole[: options.limit]
        begun = time.perf_counter()
        repositories = {case.repository.name: case.repository for case in cases}
        indexes = {one: Indexed(repository, embedder=embedder) for one, repository in repositories.items()}
        built = time.perf_counter() - begun
        rows += table(name, recalls(cases, indexes))
        chunks = sum(len(index.texts) for index in indexes.values())
        notes.append(f"{name}: {chunks} chunks indexed in {built:.1f} s.")
    for name, chunker in _CHUNKERS:
        fits = fits_of(sets["crossfile-home python"][: options.limit], chunker, embedder)
        rows.append(_fit_row(name, fits))
    Report("retrieval", rows, notes).write(options.json)
    return 0


def _embedder(model: Path | None, kept: Path | None) -> Embedder | None:
    if model is None:
        return None
    return static_embedder(model, kept) if kept else TransformerEmbedder(model)
