"""Trees of guesses: several drafts in one, and which nodes are worth a row of the pass. Pure.

A node's *cumulative* chance is that of its being accepted at all: the product of the chances along
its path. It is never greater than its parent's, so the nodes of greatest cumulative chance are a
tree again, and of all trees of that size the one from which most is expected to be accepted
(Chen et al. 2024, Sequoia, arXiv 2402.12374, section 3).
"""

from collections.abc import Sequence
from typing import NamedTuple

from drafts.draft import ROOT, Draft, Verdict
from kvcache.branch import paths_of


class Rooted(NamedTuple):
    """A draft behind the latest token, which is node 0 here: what one pass of the target encodes."""

    tokens: tuple[int, ...]
    parents: tuple[int, ...]


def rooted(draft: Draft, latest: int) -> Rooted:
    """The rows of the pass that checks ``draft``: row ``1 + i`` is its node ``i``."""
    return Rooted((latest, *draft.tokens), (ROOT, *(parent + 1 for parent in draft.parents)))


def rooted_path(verdict: Verdict) -> tuple[int, ...]:
    """The rows of that pass that stay: the latest token's and those of what was accepted."""
    return (0, *(node + 1 for node in verdict.accepted))


def depths(draft: Draft) -> tuple[int, ...]:
    """How many nodes lie in front of each: 0 for those behind the latest token."""
    found: list[int] = []
    for parent in draft.parents:
        found.append(0 if parent == ROOT else found[parent] + 1)
    return tuple(found)


def cumulative(draft: Draft) -> tuple[float, ...]:
    """Each node's chance of being accepted at all."""
    found: list[float] = []
    for parent, chance in zip(draft.parents, draft.chances, strict=True):
        found.append(chance if parent == ROOT else found[parent] * chance)
    return tuple(found)


def ancestry(draft: Draft) -> tuple[tuple[bool, ...], ...]:
    """``[n, n]``: whether node ``j`` is node ``i`` or leads to it, which is what row ``i`` may see."""
    members = [set(path) for path in paths_of(draft.parents)]
    return tuple(tuple(other in path for other in range(len(draft))) for path in members)


def prune(draft: Draft, most: int) -> Draft:
    """The ``most`` nodes of greatest cumulative chance, in the order they had; of equals the first."""
    if len(draft) <= most:
        return draft
    return _only(draft, sorted(_best_first(draft)[: max(most, 0)]))


def merge(drafts: Sequence[Draft], most: int) -> Draft:
    """All ``drafts`` as one tree, whose branches share what they have in common.

    Where drafts agree on a token, the greater chance counts. The nodes come in the order of their
    cumulative chance, the best first and at most ``most`` of them; of equals those of the drafts
    named first.
    """
    whole = _grown(drafts)
    return _only(whole, _best_first(whole)[: max(most, 0)])


def _grown(drafts: Sequence[Draft]) -> Draft:
    """All nodes of ``drafts`` in one trie (Miao et al. 2023, SpecInfer, arXiv 2305.09781, section 3)."""
    known: dict[tuple[int, int], int] = {}
    chances: list[float] = []
    for draft in drafts:
        here: list[int] = []
        for token, parent, chance in zip(draft.tokens, draft.parents, draft.chances, strict=True):
            key = (ROOT if parent == ROOT else here[parent], token)
            node = known.setdefault(key, len(known))
            if node == len(chances):
                chances.append(chance)
            chances[node] = max(chances[node], chance)
            here.append(node)
    name = "+".join(dict.fromkeys(draft.drafter for draft in drafts if len(draft)))
    parents, tokens = zip(*known, strict=True) if known else ((), ())
    return Draft(name, tokens, parents, tuple(chances))


def _best_first(draft: Draft) -> list[int]:
    """All nodes by falling cumulative chance; a parent comes before its children."""
    chances = cumulative(draft)
    return sorted(range(len(draft)), key=lambda node: (-chances[node], node))


def _only(draft: Draft, nodes: Sequence[int]) -> Draft:
    """The ``nodes`` in this order; whose parent is among them, in front of it."""
    new = {old: at for at, old in enumerate(nodes)} | {ROOT: ROOT}
    return Draft(
        draft.drafter,
        tuple(draft.tokens[node] for node in nodes),
        tuple(new[draft.parents[node]] for node in nodes),
        tuple(draft.chances[node] for node in nodes),
    )
