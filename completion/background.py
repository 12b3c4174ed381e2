"""The model for work that nobody waits for: summaries, embeddings.

Its steps are as short as those of a refresh, so a keystroke waits for one of them at most. Its stores
are its own, within a budget of their own: however much it reads, no document loses its cache to it.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from completion.chat import ChatFormat
from completion.loading import LoadedModel
from completion.sampling import greedy
from completion.tokens import TextCodec
from kvcache.errors import CacheFull
from kvcache.store import KVStore, rounded_capacity

_MIB = 2**20


class Background:
    """What a job of low priority may do with the model. Lives on the engine thread."""

    def __init__(
        self, loaded: LoadedModel, *, step_tokens: int, budget_bytes: int, stop_ids: frozenset[int]
    ) -> None:
        """``step_tokens`` are encoded in one step at most; ``stop_ids`` end what is written.

        ``budget_bytes`` bounds the stores of all these jobs together.
        """
        self._loaded = loaded
        self._shape = replace(loaded.shape, movable=False)
        self._budget = budget_bytes
        self._stop_ids = stop_ids
        self.step_tokens = step_tokens
        self.nbytes = 0
        """Bytes of the stores that are held. May be read from another thread, like the next."""
        self.encoded = 0
        """Tokens encoded by all jobs so far."""

    @property
    def codec(self) -> TextCodec:
        """Turns text into tokens and back."""
        return self._loaded.codec

    @property
    def chat(self) -> ChatFormat | None:
        """How the model is spoken to; None for one that was never taught to talk."""
        return self._loaded.chat

    @contextmanager
    def store(self, tokens: int) -> Generator[KVStore]:
        """An empty store with room for ``tokens`` tokens, for the time of the block.

        Raises CacheFull where the stores of these jobs would take more than their budget.
        """
        capacity = rounded_capacity(tokens)
        size = capacity * self._shape.token_bytes
        if self.nbytes + size > self._budget:
            raise CacheFull(
                f"Work in the background needs {size // _MIB} MiB of cache beside {self.nbytes // _MIB} "
                f"MiB; all of it may take {self._budget // _MIB} MiB: raise engine.cache_bytes."
            )
        self.nbytes += size
        try:
            yield KVStore(self._shape, capacity, dtype=self._loaded.dtype, device=self._loaded.device)
        finally:
            self.nbytes -= size

    def read(self, store: KVStore, tokens: Sequence[int]) -> Generator[None, None, None]:
        """Append ``tokens`` to the store, pausing after each step."""
        for start in range(0, len(tokens), self.step_tokens):
            part = tokens[start : start + self.step_tokens]
            self._loaded.forward.encode(store, part)
            self.encoded += len(part)
            yield

    def write(
        self, store: KVStore, prompt: Sequence[int], most: int
    ) -> Generator[None, None, tuple[int, ...]]:
        """Append ``prompt`` (at least one token) and what the model says next, pausing after each step.

        Returns the likeliest tokens, ``most`` at most, without the one that ended them.
        """
        yield from self.read(store, prompt[:-1])
        made: list[int] = []
        latest = prompt[-1]
        while len(made) < most:
            latest = greedy(self._loaded.forward.logits(store, [latest]))
            self.encoded += 1
            yield
            if latest in self._stop_ids:
                break
            made.append(latest)
        return tuple(made)
