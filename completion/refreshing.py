"""Makes a document's cache exact again, when nobody waits for anything."""

from collections.abc import Generator
from dataclasses import dataclass

from completion.forward import Forward
from completion.reuse import Planner
from kvcache.pool import CachePool
from kvcache.spans import TaggedTokens

_APART = 2
"""A refresh that has to encode more than this works on a copy: whoever types on meanwhile is served
from what is there.
"""


@dataclass(frozen=True)
class Refresher:
    """Refreshes the stores of ``pool``, ``chunk`` tokens a step. Lives on the engine thread."""

    pool: CachePool
    planner: Planner
    forward: Forward
    chunk: int

    def steps(self, document: str, wanted: TaggedTokens, *, room: int) -> Generator[None, None, int]:
        """Bring the document's cache to ``wanted`` and make all of it exact.

        ``room`` is what an answer behind it takes, in tokens. Each step is a whole: closing the
        generator, or a request in between, loses nothing that was encoded. Ends early when a request has
        taken the store elsewhere. Returns how many tokens were encoded.
        """
        owner, plan = self.planner.take(document, wanted, "auto", far=_APART)
        with self.pool.lease(owner, len(wanted) + room) as store:
            if plan.unchanged < len(wanted) - 1:
                store.apply(plan.with_repairs(()))
            goal = store.tokens
        count = 0
        while done := self._step(owner, goal):
            count += done
            yield
        return count

    def _step(self, owner: str, goal: TaggedTokens) -> int:
        """Encode the next tokens of ``goal`` that are missing or stale; how many, 0 behind the last."""
        if owner not in self.pool.owners:
            return 0
        with self.pool.lease(owner, 1) as store:
            if store.tokens != goal:
                return 0
            stale = range(store.exact, min(store.exact + self.chunk, len(store)))
            store.compact()
            if stale:
                self.forward.encode_at(store, stale)
            return len(stale)
