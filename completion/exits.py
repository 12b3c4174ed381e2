"""Guessing with a target's first layers, so that the pass that checks the guesses need not run them again.

While tokens are drafted, each goes through the first layers, which writes their keys and values, and
through the adapter. Then the store forgets them: nothing that is only half there outlives the
drafting. What the first layers gave is remembered for the very next pass; where that is over the same
tokens in the same slots behind the same text, it begins where the first layers ended (Kangaroo, arXiv
2404.18911, section 3). Any other pass runs as if nothing had been drafted.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol
from weakref import ref

import torch

from completion.passes import Pass
from drafts.adapter import Adapter
from kvcache.arenas import listed
from kvcache.rows import Rows
from kvcache.store import KVStore


class Deep(Protocol):
    """What goes on from hidden states."""

    def deep(self, store: KVStore, rows: Rows, hidden: torch.Tensor, layers: int) -> torch.Tensor:
        """All but the first ``layers``: the logits behind each row, float32 ``[rows, vocabulary]``."""
        ...


class Halves(Pass, Deep, Protocol):
    """A pass whose layers may be run in two parts: :class:`~completion.cpu.passes.CpuPass` and
    :class:`~completion.halves.HalvedPass`.
    """

    def shallow(self, store: KVStore, rows: Rows, layers: int) -> torch.Tensor:
        """The hidden states behind the first ``layers``: ``[rows, hidden]``."""
        ...

    def exit(self, adapter: Adapter) -> Deep:
        """The adapter's layer and head, behind its layers; raises UnusableAdapter."""
        ...


@dataclass
class _Begun:
    """Rows that have gone through the first layers, behind ``front`` in a store's arenas."""

    store: "ref[KVStore]"
    generation: int
    front: tuple[int, ...]
    ids: list[int] = field(default_factory=list[int])
    slots: list[int] = field(default_factory=list[int])
    hidden: list[torch.Tensor] = field(default_factory=list[torch.Tensor])

    def common(self, store: KVStore, rows: Rows) -> int:
        """How many of ``rows``, from the first on, are these very rows."""
        start = len(self.front)
        if self.store() is not store or self.generation != store.generation:
            return 0
        if rows.at != tuple(range(start, start + len(rows.ids))) or store.ids[:start] != self.front:
            return 0
        own = list(zip(self.ids, self.slots, strict=True))
        asked = list(zip(rows.ids, rows.slot_numbers, strict=True))
        longest = min(len(own), len(asked))
        return next((at for at in range(longest) if own[at] != asked[at]), longest)


class ExitPass:
    """A :class:`~completion.passes.Pass` that drafts with its own first layers."""

    def __init__(self, passes: Halves, adapter: Adapter) -> None:
        """Raises UnusableAdapter for an adapter of another target."""
        self._passes = passes
        self._layers = adapter.layers
        self._head = passes.exit(adapter)
        self._store: ref[KVStore] | None = None
        self._begun: _Begun | None = None
        self.vocabulary: tuple[int, ...] = tuple(listed(adapter.vocabulary))
        """The target's id of each word that is guessed."""

    @property
    def held(self) -> int:
        """Tokens in the store that is drafted behind; -1 where there is none."""
        store = self._store and self._store()
        return -1 if store is None else len(store)

    def follow(self, store: KVStore) -> None:
        """Draft behind what ``store`` holds, until it is gone or another is followed."""
        self._store = ref(store)

    @contextmanager
    def drafting(self) -> Generator[Callable[[int], torch.Tensor]]:
        """Yields what takes the next token and guesses behind it: logits float32 ``[words]``.

        The store holds what it held when the block ends. Raises RuntimeError without a store, and in the
        block CacheFull without room.
        """
        store = self._store and self._store()
        if store is None:
            raise RuntimeError("There is no store to draft behind.")
        front = store.ids
        begun = self._begun = _Begun(ref(store), store.generation, front)
        try:
            yield lambda token: self._guess(store, begun, token)
        except BaseException:
            self._begun = None
            raise
        finally:
            store.truncate(len(front))

    def encode(self, store: KVStore, rows: Rows) -> None:
        """See :class:`~completion.passes.Pass`."""
        self._begun = None
        self._passes.encode(store, rows)

    def last_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """See :class:`~completion.passes.Pass`."""
        logits = self._ended(store, rows)
        return self._passes.last_logits(store, rows) if logits is None else logits[-1]

    def every_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """See :class:`~completion.passes.Pass`."""
        logits = self._ended(store, rows)
        return self._passes.every_logits(store, rows) if logits is None else logits

    def _guess(self, store: KVStore, begun: _Begun, token: int) -> torch.Tensor:
        with torch.inference_mode(), store.appending([token]) as rows:
            hidden = self._passes.shallow(store, rows, self._layers)
            logits = self._head.deep(store, rows, hidden, 0)[0]
        begun.ids.append(token)
        begun.slots.append(rows.slot_numbers[0])
        begun.hidden.append(hidden)
        return logits

    def _ended(self, store: KVStore, rows: Rows) -> torch.Tensor | None:
        """The logits of rows that were begun, the first of them at least; None where none was."""
        begun, self._begun = self._begun, None
        count = 0 if begun is None else begun.common(store, rows)
        if begun is None or not count:
            return None
        hidden = begun.hidden[:count]
        if count < len(rows.ids):
            hidden.append(self._passes.shallow(store, _behind(rows, count), self._layers))
        return self._passes.deep(store, rows, torch.cat(hidden), self._layers)


def _behind(rows: Rows, count: int) -> Rows:
    """All but the first ``count`` rows."""
    rows.place()
    return replace(rows, ids=rows.ids[count:], at=rows.at[count:], slot_numbers=rows.slot_numbers[count:])
