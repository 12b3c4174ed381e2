"""An edit in the middle of a long prompt, served as the product serves it: by plan, rotation and repair."""

import random
import time

from benchmarks.gpu_machine import wait
from benchmarks.gpu_models import Subject
from completion.config import CompletionConfig, EngineConfig, Reuse
from completion.forward import Forward
from completion.reuse import Planner
from completion.sampling import greedy
from completion.shapes import rows_at_once
from kvcache.pool import CachePool
from kvcache.spans import Role, TaggedTokens, tagged

_TAIL = 24
_DOCUMENT = "document"


def document(vocabulary: int, length: int, *, inserted: int = 0, seed: int = 0) -> TaggedTokens:
    """A prompt of ``length`` tokens, all but the inserted ones the same for every ``seed``.

    ``inserted`` tokens stand in place of none, at a third of the prefix.
    """
    draw = random.Random(0)
    ids = tuple(draw.randrange(3, vocabulary) for _ in range(length - 3))
    fresh = random.Random(seed + 1)
    new = tuple(fresh.randrange(3, vocabulary) for _ in range(inserted))
    text, tail = ids[:-_TAIL], ids[-_TAIL:]
    cut, at = len(text) * 3 // 4, len(text) // 4
    return tagged(
        [
            (Role.MARKER, (0,)),
            (Role.PREFIX, (*text[:at], *new, *text[at:cut])),
            (Role.MARKER, (1,)),
            (Role.SUFFIX, text[cut:]),
            (Role.MARKER, (2,)),
            (Role.TAIL, tail),
        ]
    )


class Edits:
    """One document of ``context`` tokens, to which tokens are added."""

    def __init__(self, subject: Subject, context: int) -> None:
        self._subject = subject
        self._context = context
        self._pool: CachePool = subject.pool()
        self._forward: Forward = subject.recorded
        self._chunk = rows_at_once(EngineConfig().prefill_chunk, subject.device.type)
        self._planner = Planner(
            pool=self._pool,
            costs=self._forward.costs,
            config=CompletionConfig(),
            movable=True,
            places=1,
            bytes_of=lambda token: b" name%d" % token,
        )

    def first_tokens(self, inserted: int, rounds: int, mode: Reuse) -> list[float]:
        """Milliseconds from the edited prompt to its first token, the store being exact before each."""
        found: list[float] = []
        for number in range(rounds + 1):
            self._serve(self._document(0, 0), "auto")
            self._refresh()
            found.append(self._serve(self._document(inserted, number), mode))
        return found[1:]  # the first one warms up

    def _document(self, inserted: int, seed: int) -> TaggedTokens:
        return document(self._subject.size.vocabulary, self._context, inserted=inserted, seed=seed)

    def _serve(self, wanted: TaggedTokens, mode: Reuse) -> float:
        wait(self._subject.device)
        started = time.perf_counter()
        owner, plan = self._planner.take(_DOCUMENT, wanted, mode)
        with self._pool.lease(owner, len(wanted) + _TAIL) as store:
            store.apply(plan)
            passes = self._forward.fill(store, plan.compute, self._chunk)
            while True:
                try:
                    next(passes)
                except StopIteration as done:
                    greedy(done.value)
                    break
        return 1e3 * (time.perf_counter() - started)

    def _refresh(self) -> None:
        """Make the store exact, as a pause of the user's does."""
        (owner,) = self._pool.owners
        with self._pool.lease(owner, 1) as store:
            store.compact()
            while stale := range(store.exact, min(store.exact + self._chunk, len(store))):
                self._forward.encode_at(store, stale)
