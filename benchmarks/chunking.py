"""How well chunks fit what is looked for: Chroma's token-wise measures, on lines of code.

(brandonstarxel/chunking_evaluation, ``base_evaluation.py``.) A reference is the lines of a definition; a line
counts for its tokens. Lengths of chunks are summed, so what overlaps is paid for twice.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from retrieval.records import Lines

SPLIT = 1_000
"""Characters."""
_TOKEN = re.compile(r"\w+|[^\w\s]")

Place = tuple[str, Lines]
Chunker = Callable[[str], list[Lines]]


class Fit(NamedTuple):
    """Shares from 0 to 1."""

    recall: float
    """Of the reference's tokens that were retrieved."""
    iou: float
    """Retrieved tokens of the reference, over all that was retrieved and all that was missed."""
    omega: float
    """Precision Ω: the best precision that any ranking of these chunks could have."""


def windows(text: str, *, size: int = 40, stride: int = 30) -> list[Lines]:
    """``size`` lines, a new chunk every ``stride``."""
    count = len(text.split("\n"))
    return [Lines(start, min(start + size, count)) for start in range(0, count, stride)]


def splits(text: str) -> list[Lines]:
    """At most 1,000 characters, cut at line ends."""
    return list(_packed([Lines(n, n + 1) for n in range(len(text.split("\n")))], text.split("\n")))


def definitions(text: str) -> list[Lines]:
    """Python's functions and methods, and what stands between them; by its own parser.

    Neighbours are joined and large pieces cut as in ``splits``. A file that does not parse is split.
    """
    lines = text.split("\n")
    try:
        starts = sorted({0, *_starts(ast.parse(text)), len(lines)})
    except (SyntaxError, ValueError):
        return splits(text)
    pieces: list[Lines] = []
    for start, end in pairwise(starts):
        pieces += _packed([Lines(n, n + 1) for n in range(start, end)], lines, limit=2 * SPLIT)
    return pieces


def spans(text: str, name: str) -> list[Lines]:
    """The lines of what Python's parser finds defined as ``name``: functions, classes, assigned names."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    return [Lines(start, node.end_lineno or start + 1) for node, start in _defined(tree, name)]


def fit(
    reference: Sequence[Place],
    retrieved: Sequence[Place],
    corpus: Mapping[str, Sequence[Lines]],
    tokens: Mapping[str, Sequence[int]],
) -> Fit:
    """Measure; ``corpus`` has every chunk of each path, ``tokens`` the tokens of its lines."""
    wanted = _units(reference)

    def weigh(units: set[tuple[str, int]]) -> int:
        return sum(tokens[path][line] for path, line in units)

    whole = weigh(wanted)
    hit = weigh(wanted & _units(retrieved))
    paid = sum(weigh(_units([place])) for place in retrieved)
    touching = _units(
        [
            (path, chunk)
            for path in {path for path, _ in reference}
            for chunk in corpus[path]
            if wanted & _units([(path, chunk)])
        ]
    )
    reached = weigh(wanted & touching)
    return Fit(
        hit / max(1, whole),
        hit / max(1, paid + whole - hit),
        reached / max(1, weigh(touching) + whole - reached),
    )


def token_counts(text: str) -> list[int]:
    """Of each line."""
    return [len(_TOKEN.findall(line)) for line in text.split("\n")]


def _units(places: Sequence[Place]) -> set[tuple[str, int]]:
    return {(path, line) for path, lines in places for line in range(lines.start, lines.end)}


def _packed(pieces: Sequence[Lines], lines: Sequence[str], *, limit: int = SPLIT) -> Iterator[Lines]:
    """Neighbouring pieces joined while they have at most ``limit`` characters."""
    start, size = pieces[0].start if pieces else 0, 0
    for piece in pieces:
        length = sum(len(lines[n]) + 1 for n in range(piece.start, piece.end))
        if size and size + length > limit:
            yield Lines(start, piece.start)
            start, size = piece.start, 0
        size += length
    if pieces:
        yield Lines(start, pieces[-1].end)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1


def _starts(tree: ast.Module) -> Iterator[int]:
    """Where definitions at the top and in classes begin and end."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield _first_line(node)
            yield node.end_lineno or node.lineno
            if isinstance(node, ast.ClassDef):
                yield from _starts(ast.Module(node.body, []))


def _defined(tree: ast.Module, name: str) -> Iterator[tuple[ast.stmt, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == name:
                yield node, _first_line(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield node, node.lineno - 1
