"""From a prompt to a store that holds it: which place, which plan, how much repair.

The one way in which a request takes over what is cached. Lives on the engine thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from completion.config import CompletionConfig, Reuse
from completion.costs import StepCosts
from completion.uses import use_sites
from kvcache.places import FAR, Choice, Held, choose_place
from kvcache.plan import Plan, plan_cold, plan_exact, plan_reuse
from kvcache.pool import CachePool
from kvcache.repair import Budget, repaired
from kvcache.spans import TaggedTokens

_LEAST_REPAIR = 8
_MOST_REPAIR = 128
"""A hundred tokens cost a GPU about what one costs; more bring little."""


class Place(NamedTuple):
    """Where a request is served from, and by which plan."""

    owner: str
    plan: Plan


def owners_of(document: str) -> str:
    """What the owners of all stores of ``document`` begin with."""
    return f"{document}\0"


@dataclass(frozen=True)
class Planner:
    """Chooses store and plan for a prompt. ``movable``: whether the model's keys can be moved."""

    pool: CachePool
    costs: StepCosts
    config: CompletionConfig
    movable: bool
    places: int
    bytes_of: Callable[[int], bytes]

    def take(self, document: str, wanted: TaggedTokens, mode: Reuse, *, far: int = FAR) -> Place:
        """The store of ``document`` to serve ``wanted`` from, copied to a new place if need be.

        ``far``: so many tokens to encode are worth a place of their own. A store that another
        request has leased is never taken; there is always a place beside it.
        """
        held = self.pool.held(owners_of(document))
        if mode == "recompute" and held:
            owner, last = held.popitem()
            return Place(owner, plan_cold(last.tokens, wanted))
        choice = choose_place(
            held,
            lambda each: self._plan(each, wanted, mode),
            new=_unused(document, self.pool.owners),
            most=self.places,
            far=far,
        )
        owner = self._settle(choice)
        if mode == "auto" and self.movable:
            uses = use_sites(choice.plan, self.bytes_of)
            return Place(owner, repaired(choice.plan, self._budget(), uses))
        return Place(owner, choice.plan)

    def _plan(self, held: Held, wanted: TaggedTokens, mode: Reuse) -> Plan:
        if mode != "auto" or not self.movable:
            return plan_exact(held.tokens, wanted, exact=held.exact)
        return plan_reuse(held.tokens, wanted)

    def _settle(self, choice: Choice) -> str:
        """Copy the source to its place; where there is no room, the source itself is used."""
        if choice.source is None or choice.source == choice.place:
            return choice.place
        return choice.place if self.pool.copy(choice.source, choice.place) else choice.source

    def _budget(self) -> Budget:
        if self.config.repair_tokens is not None:
            return Budget(self.config.repair_tokens)
        fitting = self.costs.rows_within(self.config.repair_ms / 1e3)
        return Budget(min(max(fitting, _LEAST_REPAIR), _MOST_REPAIR))


def _unused(document: str, owners: tuple[str, ...]) -> str:
    """The first name of a place of ``document`` that no store has, leased or not."""
    names = (f"{owners_of(document)}{number}" for number in range(len(owners) + 1))
    return next(name for name in names if name not in owners)
