"""Makes a draft of what followed the matches of a text: counts, chances, length. Pure.

After SuffixDecoding (arXiv 2411.04975): a draft is no longer than what it was matched by, and ends where
its chance, all tokens before it included, gets too small. The next token is the one that followed most
often. Its chance is that of prediction by partial matching: so many of so many and one thing more, the
unseen, which weighs the less the longer the match is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from drafts.draft import ROOT, Draft

Run = Sequence[int]


@dataclass(frozen=True)
class Limits:
    """How far a draft goes."""

    per_matched: float = 1.0
    """Tokens drafted one behind another, for each token matched."""
    more: int = 1
    """Tokens drafted besides."""
    least_chance: float = 0.1
    """Of a token and all before it being accepted."""
    branches: int = 1
    """Continuations drafted side by side where the matches first disagree."""

    def depth(self, matched: int) -> int:
        """Tokens drafted one behind another, for so many matched."""
        return int(self.per_matched * matched) + self.more


class _Node(NamedTuple):
    """A token that could be drafted. The likeliest comes first, so none before its parent."""

    against: float
    """One minus the chance of it and all before it being accepted."""
    parent: int
    rank: int
    """Among its siblings."""
    token: int
    chance: float
    depth: int
    runs: list[Run]
    """Those that agree up to this token, which is the one at ``depth``."""
    branches: int
    """Continuations that may stand behind it."""


def unseen(matched: int) -> float:
    """What weighs against all that was seen behind ``matched`` tokens, in places seen."""
    return 2.0 / matched


def guess(drafter: str, runs: Sequence[Run], matched: int, *, most: int, limits: Limits) -> Draft:
    """Draft at most ``most`` tokens of ``runs``, what followed the places of a match of ``matched`` tokens.

    Of continuations that are as frequent, the one in the earlier run comes first.
    """
    root = _Node(0.0, ROOT, 0, ROOT, 1.0, -1, list(runs), limits.branches)
    deepest = min(limits.depth(matched), most)
    waiting = list(_behind(root, ROOT, matched, limits.least_chance)) if deepest else []
    heapify(waiting)
    drafted: list[_Node] = []
    while waiting and len(drafted) < most:
        node = heappop(waiting)
        if node.depth + 1 < deepest:
            for child in _behind(node, len(drafted), matched, limits.least_chance):
                heappush(waiting, child)
        drafted.append(node)
    return Draft(
        drafter,
        tuple(node.token for node in drafted),
        tuple(node.parent for node in drafted),
        tuple(node.chance for node in drafted),
    )


def _behind(node: _Node, index: int, matched: int, least: float) -> Iterator[_Node]:
    """The likeliest continuations of a node that is drafted as number ``index``."""
    depth = node.depth + 1
    followed: dict[int, list[Run]] = {}
    for run in node.runs:
        if depth < len(run):
            followed.setdefault(run[depth], []).append(run)
    seen = sum(map(len, followed.values())) + unseen(matched + depth)
    branches = node.branches if len(followed) == 1 else 1
    ranked = sorted(followed.items(), key=lambda pair: -len(pair[1]))
    for rank, (token, runs) in enumerate(ranked[: node.branches]):
        chance = len(runs) / seen
        likely = (1 - node.against) * chance
        if likely >= least:
            yield _Node(1 - likely, index, rank, token, chance, depth, runs, branches)
