"""The block in front of a document: which pieces, in which order, and when they change. Pure.

What is kept keeps its order and stands in front, so its cached keys are kept or moved, never computed anew.
"""

from collections.abc import Sequence
from dataclasses import replace

from completion.context.pieces import Excerpt, Piece, tokens_of
from completion.context.shaping import overlap

WORTH_IT = 1.3
"""A new block must be worth so many times what the old one is worth at the new place."""
_SHARE = 3
"""One piece takes this part of the budget at most."""
_LEAST_LINES = 2
_HASHES = frozenset(
    {"python", "ruby", "shellscript", "yaml", "toml", "perl", "r", "dockerfile", "makefile", "elixir"}
)
_DASHES = frozenset({"lua", "sql", "haskell", "ada"})


def changed(
    held: Sequence[Piece], found: Sequence[Piece], budget: int, *, language: str, window: str
) -> tuple[Piece, ...]:
    """The block for a new place. ``held`` itself, unless the best of ``found`` is worth 30 % more there.

    ``found`` is best first; ``window`` is what the prompt shows of the document: what stands in it is not
    shown again. A block never has more than ``budget`` tokens by ``tokens_of``.
    """
    fitting = [fit for piece in found if (fit := _fitting(piece, budget // _SHARE, language, window))]
    best = _best(fitting, budget, language)
    worth = {piece.excerpt: piece.score for piece in fitting}
    still = [piece for piece in held if not _stands_in(piece.excerpt.text, window)]
    value = sum(worth.get(piece.excerpt, 0.0) for piece in still)
    if not best or (still and sum(piece.score for piece in best) <= WORTH_IT * value):
        return tuple(still) if size(still, language) <= budget else ()
    chosen = {piece.excerpt for piece in best}
    kept = [piece for piece in still if piece.excerpt in chosen]
    have = {piece.excerpt for piece in kept}
    return (*kept, *(piece for piece in best if piece.excerpt not in have))


def render(block: Sequence[Piece], language: str) -> str:
    """The block as comments of ``language``, each piece under the path and the name it is of."""
    return "".join(_rendered(piece.excerpt, language) for piece in block)


def size(block: Sequence[Piece], language: str) -> int:
    """Tokens of the block, by ``tokens_of``: the sum of its pieces, whatever their order."""
    return sum(tokens_of(_rendered(piece.excerpt, language)) for piece in block)


def _fitting(piece: Piece, most: int, language: str, window: str) -> Piece | None:
    """The piece as it would be shown; None where it is not."""
    excerpt = _shortened(piece.excerpt, most, language)
    if excerpt is None or _stands_in(excerpt.text, window):
        return None
    return replace(piece, excerpt=excerpt)


def _best(fitting: Sequence[Piece], budget: int, language: str) -> list[Piece]:
    """As many of the best as there is room for, no place twice."""
    taken: list[Piece] = []
    left = budget
    for piece in fitting:
        needed = tokens_of(_rendered(piece.excerpt, language))
        if needed <= left and not any(overlap(piece.excerpt, other.excerpt) for other in taken):
            left -= needed
            taken.append(piece)
    return taken


def _shortened(excerpt: Excerpt, most: int, language: str) -> Excerpt | None:
    """The first lines that have at most ``most`` tokens; None where those say nothing."""
    if tokens_of(_rendered(excerpt, language)) <= most:
        return excerpt
    lines = excerpt.text.split("\n")
    low, high = 0, len(lines) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if tokens_of(_rendered(_head(excerpt, lines, middle), language)) <= most:
            low = middle
        else:
            high = middle - 1
    return _head(excerpt, lines, low) if low >= _LEAST_LINES else None


def _head(excerpt: Excerpt, lines: Sequence[str], count: int) -> Excerpt:
    end = min(excerpt.end, excerpt.start + count)
    return excerpt._replace(end=end, text="\n".join(lines[:count]))


def _stands_in(text: str, window: str) -> bool:
    return not text.strip() or text.strip() in window


def _rendered(excerpt: Excerpt, language: str) -> str:
    mark = "#" if language in _HASHES else "--" if language in _DASHES else "//"
    title = f"{excerpt.path}: {excerpt.name}" if excerpt.name else excerpt.path
    body = (f"{mark} {line}".rstrip() for line in excerpt.text.strip("\n").split("\n"))
    return "\n".join([f"{mark} {title}", *body, "", ""])
