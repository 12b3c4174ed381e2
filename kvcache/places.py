"""Several stores of one document, one for each place the user works at. Pure.

A cursor that jumps far turns many lines from suffix to prefix; they must be encoded afresh, and
once more when it jumps back. So the store of the place it came from is kept, and a copy of it
goes along. Which store serves a request is the one with the least to encode.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kvcache.plan import Plan
from kvcache.spans import TaggedTokens

FAR = 128
"""A request that must encode more tokens than this leaves the store it came from as it is."""

_NEAR = 2
"""A request that must encode no more than this looks no further."""


class Held(NamedTuple):
    """What a store holds: its tokens, and how many at the front are exact."""

    tokens: TaggedTokens
    exact: int


class Choice(NamedTuple):
    """Serve from store ``place`` by ``plan``; first copy ``source`` there, unless it is ``place``."""

    place: str
    source: str | None
    plan: Plan


def choose_place(
    held: Mapping[str, Held], plan_for: Callable[[Held], Plan], *, new: str, most: int, far: int = FAR
) -> Choice:
    """The store to serve from. ``held`` is in order of use, the one used last at the end.

    ``new`` is the name of a place that does not exist yet; at most ``most`` places are kept. A
    request that must encode more than ``far`` tokens takes a new place, or the one used longest ago.
    """
    plans: dict[str, Plan] = {}
    for place in reversed(tuple(held)):
        plans[place] = plan_for(held[place])
        if plans[place].cost <= _NEAR:
            return Choice(place, place, plans[place])
    if not plans:
        return Choice(new, None, plan_for(Held(TaggedTokens(), 0)))
    best = min(plans, key=lambda place: plans[place].cost)
    if plans[best].cost <= far:
        return Choice(best, best, plans[best])
    target = new if len(held) < most else next(iter(held))
    return Choice(target, best, plans[best])
