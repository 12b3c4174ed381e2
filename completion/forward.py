"""Runs the model over a store: tokens in, keys and values kept, logits out."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch

from completion.costs import StepCosts
from completion.passes import Pass
from kvcache.config import CacheShape
from kvcache.rows import Rows
from kvcache.store import KVStore, rounded_capacity

_GUESS_S = (2e-3, 5e-4)
"""Seconds a row is guessed to take on a CPU and on a GPU, before anything was measured."""


class Forward:
    """Forward passes of one model. Lives on the engine thread."""

    def __init__(self, passes: Pass, shape: CacheShape, *, dtype: torch.dtype, device: torch.device) -> None:
        """``dtype`` is that of the caches."""
        self.costs = StepCosts(_GUESS_S[device.type == "cuda"])
        """What the passes of this model cost here."""
        self._pass = passes
        self._shape = shape
        self._dtype = dtype
        self._device = device

    @property
    def passes(self) -> Pass:
        """What computes the passes."""
        return self._pass

    def encode(self, store: KVStore, tokens: Sequence[int]) -> None:
        """Append ``tokens`` to the store; nobody reads their logits, so none are computed."""
        with torch.inference_mode(), store.appending(tokens) as rows:
            self._pass.encode(store, rows)

    def encode_at(self, store: KVStore, positions: Sequence[int]) -> None:
        """Encode the store's tokens at ascending ``positions``; no logits are computed."""
        with torch.inference_mode(), store.encoding(positions) as rows, self._timed(rows):
            self._pass.encode(store, rows)

    def logits(self, store: KVStore, tokens: Sequence[int]) -> torch.Tensor:
        """Append ``tokens`` and return the logits behind the last: float32 ``[vocabulary]``."""
        with torch.inference_mode(), store.appending(tokens) as rows, self._timed(rows):
            return self._pass.last_logits(store, rows)

    def every_logits(self, store: KVStore, tokens: Sequence[int]) -> torch.Tensor:
        """Append ``tokens`` and return the logits behind each: float32 ``[tokens, vocabulary]``.

        What checking drafts takes: one pass for all of them.
        """
        with torch.inference_mode(), store.appending(tokens) as rows, self._timed(rows):
            return self._pass.every_logits(store, rows)

    def fill(
        self, store: KVStore, positions: Sequence[int], chunk: int
    ) -> Generator[None, None, torch.Tensor]:
        """Encode ascending ``positions`` (at least one) in chunks, pausing after each but the last.

        Returns the logits behind the last. A chunk that was encoded stays in the store when
        the generator is closed.
        """
        last = (len(positions) - 1) // chunk * chunk
        for start in range(0, last, chunk):
            self.encode_at(store, positions[start : start + chunk])
            yield
        with torch.inference_mode(), store.encoding(positions[last:]) as rows, self._timed(rows):
            return self._pass.last_logits(store, rows)

    def cold(self, tokens: Sequence[int]) -> KVStore:
        """A fresh store with ``tokens`` encoded in one piece: the truth to audit against."""
        store = KVStore(self._shape, rounded_capacity(len(tokens)), dtype=self._dtype, device=self._device)
        self.encode(store, tokens)
        return store

    @contextmanager
    def _timed(self, rows: Rows) -> Generator[None]:
        """Note what the pass in the block costs. Not on a GPU, where it has only been queued by then."""
        started = time.perf_counter()
        yield
        if self._device.type == "cpu":
            self.costs.note(len(rows.ids), time.perf_counter() - started)
