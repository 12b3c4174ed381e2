"""Drafts by a smaller model of the same vocabulary.

Its own stores follow the same edits as the target's, by the same kind of plan, without repairs: a
stale key costs a draft a little acceptance, and the answer nothing.
"""

import logging
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from typing import Protocol

import torch

from drafts.draft import CostlyDrafter, Draft, Source, Verdict
from kvcache.errors import CacheFull
from kvcache.matching import common_prefix
from kvcache.plan import Plan, plan_exact, plan_reuse
from kvcache.pool import CachePool
from kvcache.spans import TaggedTokens
from kvcache.store import KVStore

_log = logging.getLogger(__name__)

_UNNAMED = "\0draft"
"""Owner of the store for requests without a document: dropped behind each."""
_UNMEASURED_S = 5e-3
"""Seconds a token is guessed to take to be read, so that a long prompt waits for an idle moment."""
_FOLLOW = 0.2
_ROOM = 192
"""Tokens of output that a store has room for; behind them nothing is drafted."""


class Runner(Protocol):
    """Forward passes of the draft model."""

    def encode_at(self, store: KVStore, positions: Sequence[int]) -> None:
        """Encode the store's tokens at ascending ``positions``."""
        ...

    def logits(self, store: KVStore, tokens: Sequence[int]) -> torch.Tensor:
        """Append ``tokens``; float32 ``[vocabulary]`` behind the last."""
        ...


class SmallModelDrafter(CostlyDrafter):
    """Greedy chains of a model that reads the same tokens. Lives on the engine thread."""

    def __init__(
        self,
        runner: Runner,
        pool: CachePool,
        *,
        vocabulary: int,
        stop_ids: frozenset[int],
        chunk: int,
        movable: bool,
    ) -> None:
        """``vocabulary``: ids below it mean the same to both models; ids beyond are padding.

        ``chunk`` tokens are read between two pauses; ``movable``: whether the model's keys can be turned.
        """
        self._runner = runner
        self._pool = pool
        self._vocabulary = vocabulary
        self._stop_ids = stop_ids
        self._chunk = chunk
        self._movable = movable
        self._token_s = 0.0
        self._read_s = _UNMEASURED_S
        self._turn = 0
        """Grows with each request: who was paused in an earlier one must not go on."""
        self._held = ExitStack()
        self._store: KVStore | None = None
        self._start = 0
        self._output: list[int] = []

    @property
    def name(self) -> str:
        """As it is called in settings, traces and tables."""
        return "small_model"

    @property
    def token_s(self) -> float:
        """Seconds that a drafted token took lately; 0 before any was drafted."""
        return self._token_s

    def pending_s(self, source: Source) -> float:
        """Seconds that reading what the store lacks of the prompt takes, as it took lately."""
        return len(self._plan(source).compute) * self._read_s

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Bring the document's store to the prompt, ``chunk`` tokens between two pauses.

        Ends at a pause behind which another request has begun.
        """
        self.end()
        turn = self._turn
        plan = self._plan(source)
        try:
            store = self._held.enter_context(self._pool.lease(_owner(source), len(plan.wanted) + _ROOM))
        except CacheFull as error:
            _log.warning("Nothing is drafted by the small model: %s", error)
            return
        store.apply(plan)
        compute = plan.compute
        for start in range(0, len(compute), self._chunk):
            part = compute[start : start + self._chunk]
            started = time.perf_counter()
            self._runner.encode_at(store, part)
            self._read_s = _mean(self._read_s, (time.perf_counter() - started) / len(part))
            yield
            if turn != self._turn:
                return
        self._store, self._start, self._output = store, len(plan.wanted), []

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """The likeliest tokens behind ``output``."""
        return self.guess(output, most, 0.0)

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        """The likeliest tokens behind ``output``, until their chance together falls below ``floor``."""
        store = self._store
        most = min(most, store.capacity - self._start - len(output)) if store else 0
        if store is None or not output or most < 1:
            return Draft(self.name)
        self._output = list(output)
        logits = self._catch_up(store)
        tokens: list[int] = []
        chances: list[float] = []
        together = 1.0
        while True:
            started = time.perf_counter()
            token, chance = _likeliest(logits[: self._vocabulary])
            together *= chance
            if token in self._stop_ids or together < floor:
                break
            tokens.append(token)
            chances.append(chance)
            if len(tokens) == most:
                break
            logits = self._runner.logits(store, [token])
            self._token_s = _mean(self._token_s, time.perf_counter() - started)
        return Draft.chain(self.name, tokens, chances)

    def observe(self, verdict: Verdict) -> None:
        """The output has grown; the store follows at the next guess."""
        self._output.extend(verdict.output)

    def end(self) -> None:
        """Forget what was drafted and not said, and give the store back."""
        self._turn += 1
        if self._store is not None:
            self._store.truncate(self._start + self._common(self._store))
        self._held.close()
        self._store = None
        self._pool.release(_UNNAMED)

    def forget(self, document: str) -> None:
        """Drop the document's store."""
        self._pool.release(f"{document}\0")

    def _plan(self, source: Source) -> Plan:
        owner = _owner(source)
        held = self._pool.held(owner).get(owner)
        if held is None:
            return plan_exact(TaggedTokens(), source.prompt, exact=0)
        if self._movable:
            return plan_reuse(held.tokens, source.prompt)
        return plan_exact(held.tokens, source.prompt, exact=held.exact)

    def _catch_up(self, store: KVStore) -> torch.Tensor:
        """Read what was said since the last guess; the logits behind it."""
        known = min(self._common(store), len(self._output) - 1)
        store.truncate(self._start + known)
        return self._runner.logits(store, self._output[known:])

    def _common(self, store: KVStore) -> int:
        """Tokens behind the prompt that the store holds and the target said."""
        return common_prefix(store.ids[self._start :], tuple(self._output))


def _owner(source: Source) -> str:
    return f"{source.document or ''}\0draft"


def _likeliest(logits: torch.Tensor) -> tuple[int, float]:
    token = int(logits.argmax())
    return token, float((logits[token] - logits.logsumexp(0)).exp())


def _mean(old: float, new: float) -> float:
    return old + _FOLLOW * (new - old) if old else new
