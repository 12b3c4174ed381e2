"""Which pieces of the repository are worth showing at a cursor, best first.

Three rankings, fused by reciprocal rank: definitions of the names in scope, what was edited a moment ago, and
what a search finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from completion.context.edits import Place
from completion.context.pieces import Defined, Excerpt, Piece, Repository, Why
from completion.context.scope import compared_at, names_near, query_at
from completion.context.shaping import fragments, head_of
from retrieval.fuse import fuse
from retrieval.records import Found

WEIGHTS: Mapping[str, float] = MappingProxyType({Why.SYMBOLS: 1.0, Why.EDITED: 1.0, Why.SIMILAR: 1.03})
"""About equal: the rankings take turns, the most similar piece first (benchmarks/LOG.md). To find files names
tell far more, ``retrieval.fuse.AT_A_CURSOR``; to find lines to go on with both are needed.
"""
_IMPORTED = 3.0
_NAMED = 2.0
"""How much more a definition counts in a file that is imported, and of a name that is."""
_FAR = 0.05
"""What a name counts that is imported but not used near the cursor."""
_SEARCHED = 20
_SIMILAR = 12
_DEFINITIONS = 24


@dataclass(frozen=True, slots=True)
class Question:
    """A cursor in a document of the repository."""

    path: str
    text: str
    cursor: int


def candidates(repository: Repository, question: Question, edited: Sequence[Place]) -> list[Piece]:
    """Every piece of other files that may be shown at the cursor, best first."""
    path, text, cursor = question.path, question.text, question.cursor
    names = names_near(text, cursor)
    others = [each for each in repository.definitions(path, list(names)) if each.excerpt.path != path]
    found = [each for each in repository.search(path, query_at(text, cursor), _SEARCHED) if each.path != path]
    changed = [repository.around(place.path, place.line) for place in edited if place.path != path]
    compared = compared_at(text, cursor)
    return fused(
        {
            Why.SYMBOLS: [head_of(excerpt) for excerpt in by_worth(others, names)[:_DEFINITIONS]],
            Why.EDITED: [excerpt for excerpt in changed if excerpt is not None],
            Why.SIMILAR: fragments(found, compared, _SIMILAR),
        }
    )


def by_worth(defined: Sequence[Defined], names: Mapping[str, float]) -> list[Excerpt]:
    """The definitions that tell the most first: near names, imported files, names that few files define."""
    worth: dict[Excerpt, float] = {}
    for each in defined:
        closeness = (_IMPORTED if each.imported else 1.0) * (_NAMED if each.named else 1.0)
        added = names.get(each.name, _FAR) * closeness / max(1, each.files)
        worth[each.excerpt] = worth.get(each.excerpt, 0.0) + added
    return sorted(worth, key=lambda excerpt: (-worth[excerpt], excerpt))


def fused(rankings: Mapping[str, Sequence[Excerpt]], weights: Mapping[str, float] = WEIGHTS) -> list[Piece]:
    """All rankings in one, each excerpt once, for the reason that adds the most to its score."""
    excerpts = list(dict.fromkeys(excerpt for ranking in rankings.values() for excerpt in ranking))
    number = {excerpt: index for index, excerpt in enumerate(excerpts)}
    found = {why: [Found(number[each], 0.0) for each in ranking] for why, ranking in rankings.items()}
    return [
        Piece(excerpts[one.chunk_id], Why(max(one.parts, key=lambda why: one.parts[why])), one.score)
        for one in fuse(found, weights)
    ]
