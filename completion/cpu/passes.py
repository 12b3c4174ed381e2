"""A forward pass on the CPU: the kernels over a store."""

import weakref
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from completion.cpu import layers
from completion.cpu.attention import BLOCK, NARROW
from completion.cpu.exits import exit_weights, first_adapter, frozen_parts
from completion.cpu.integers import GROUP, PANEL
from completion.cpu.layers import COUNTERS_A_LAYER, Batch, Cached, Own, Shared, Sizes, Weights
from completion.cpu.product import ROWS, SWEEP
from completion.cpu.sync import give_up, new_state
from completion.cpu.team import Team
from completion.cpu.weights import padded_to
from drafts.adapter import Adapter
from drafts.errors import UnusableAdapter
from drafts.train.exit_model import Frozen
from kvcache.rows import BranchRows, Rows
from kvcache.store import KVStore

MOST_ROWS = 128
"""Rows computed together; longer passes go in pieces, which changes no number."""

_TABLE_STEP = 1024

_QUERIES = 256
"""Queries of a head that a thread attends for at a time."""


class _Range(NamedTuple):
    """Layers to run. Hidden states float32 ``[rows, hidden]``: ``before`` them, None where the rows are to be
    embedded; those ``after`` them are written where an array is given.
    """

    start: int
    stop: int
    before: Any = None
    after: Any = None


class CpuPass:
    """The passes of one model. Lives on the engine thread; its helpers end with it."""

    def __init__(
        self, weights: Weights, sizes: Sizes, vocabulary: int, *, rotary: Any, threads: int, at: int = 0
    ) -> None:
        """``rotary`` is the rotary module of transformers' model; ``threads`` compute each pass together.

        ``at`` is the layer of the store that holds the keys and values of the first layer of ``weights``.
        """
        self._weights = weights
        self._sizes = sizes
        self._vocabulary = vocabulary
        self._rotary = rotary
        self._at = at
        self._state = new_state(COUNTERS_A_LAYER * len(weights.attention_norm) + 1)
        self._team = Team(threads, on_error=partial(give_up, self._state))
        self._shared = _shared(weights, sizes, MOST_ROWS)
        self._own = [_own(weights, sizes) for _ in range(threads)]
        self._turns = self._angles(_TABLE_STEP)
        weakref.finalize(self, self._team.close)

    def encode(self, store: KVStore, rows: Rows) -> None:
        """Keys and values only."""
        self._run(store, rows, first_logits=len(rows.ids))

    def last_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """The logits behind the last row: float32 ``[vocabulary]``."""
        return self._run(store, rows, first_logits=len(rows.ids) - 1)[0]

    def every_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """The logits behind each row: float32 ``[rows, vocabulary]``."""
        return self._run(store, rows, first_logits=0)

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return len(self._weights.attention_norm)

    def shallow(self, store: KVStore, rows: Rows, layers: int) -> torch.Tensor:
        """The first ``layers`` only: the hidden states behind them, float32 ``[rows, hidden]``.

        The rows' keys and values of the other layers stay what they are. Raises ValueError for more
        layers than there are.
        """
        hidden = torch.empty(len(rows.ids), self._weights.attention_norm.shape[1], dtype=torch.float32)
        self._run(store, rows, first_logits=len(rows.ids), span=_Range(0, layers, after=hidden.numpy()))
        return hidden

    def deep(self, store: KVStore, rows: Rows, hidden: torch.Tensor, layers: int) -> torch.Tensor:
        """The other layers, from what :meth:`shallow` gave for the same rows: as :meth:`every_logits`.

        Raises ValueError for hidden states of other rows, or another width.
        """
        wanted = (len(rows.ids), self._weights.attention_norm.shape[1])
        if hidden.shape != wanted:  # the kernels look at no bounds
            raise ValueError(f"Hidden states of shape {tuple(hidden.shape)} where {wanted} are needed.")
        before = hidden.float().numpy()
        return self._run(store, rows, first_logits=0, span=_Range(layers, self.layers, before))

    def exit(self, adapter: Adapter) -> "CpuPass":
        """What goes on from the hidden states behind the adapter's layers.

        Its :meth:`deep`, from 0 on, has the logits of the adapter's words. Raises UnusableAdapter for an
        adapter of another target.
        """
        hidden = self._weights.attention_norm.shape[1]
        adapter.require(hidden=hidden, layers=self.layers, vocabulary=self._vocabulary)
        weights = exit_weights(self._weights, self._sizes, adapter)
        words, threads = len(adapter.vocabulary), self._team.threads
        return CpuPass(weights, self._sizes, words, rotary=self._rotary, threads=threads, at=adapter.layers)

    def frozen(self, layers: int, *, name: str, words: torch.Tensor) -> Frozen:
        """What the training of an adapter needs of this model, whose name is ``name``.

        The exit is behind ``layers``; ``words``, int64, are the ids it may guess, ascending. Raises
        UnusableAdapter where there can be no exit.
        """
        if not 0 < layers < self.layers:
            raise UnusableAdapter(f"There is no exit behind layer {layers} of {self.layers}.")
        start = first_adapter(self._weights, self._sizes, layers, name=name, words=words)
        return frozen_parts(self._weights, self._sizes, start, angles=self._turns)

    def _run(
        self, store: KVStore, rows: Rows, *, first_logits: int, span: _Range | None = None
    ) -> torch.Tensor:
        count, span = len(rows.ids), span or _Range(0, self.layers)
        if not 0 <= span.start <= span.stop <= self.layers:
            raise ValueError(f"The model has {self.layers} layers, none from {span.start} to {span.stop}.")
        width = padded_to(self._vocabulary, PANEL)
        logits = torch.empty(count - first_logits, width, dtype=torch.float32)
        keys, values, born = (part[self._at :].numpy() for part in store.arenas())
        cached = Cached(keys, values, born, rows.extent)
        for start in range(0, count, MOST_ROWS):
            part = slice(start, min(start + MOST_ROWS, count))
            batch = self._batch(rows, part, first_logits, logits.numpy())
            self._compute_span(cached, batch, span, part)
        return logits[:, : self._vocabulary]

    def _compute_span(self, cached: Cached, batch: Batch, span: _Range, part: slice) -> None:
        """Compute ``batch`` in the layers of ``span``, of whose hidden states the rows are ``part``."""
        shared = self._shared.hidden[: part.stop - part.start, : self._weights.attention_norm.shape[1]]
        embedded, ids = span.before is not None, batch.ids
        if embedded:
            shared[:] = span.before[part]
        elif ids.min() < 0 or ids.max() >= self._vocabulary:  # the kernels would read what lies beside
            raise IndexError(f"The model has no token {ids.max()}: its vocabulary is {self._vocabulary}.")
        self._compute(cached, batch._replace(first_layer=span.start, stop_layer=span.stop, embedded=embedded))
        if span.after is not None:
            span.after[part] = shared

    def _batch(self, rows: Rows, part: slice, first_logits: int, logits: Any) -> Batch:
        """The rows of ``part``; ``logits`` has those from ``first_logits`` on."""
        positions, ids = np.array(rows.at[part], np.int64), np.array(rows.ids[part], np.int64)
        if positions.max() >= len(self._turns[0]):
            self._turns = self._angles(padded_to(int(positions.max()) + 1, _TABLE_STEP))
        mask = np.zeros((len(positions), padded_to(rows.extent, BLOCK)), np.bool_)
        mask[:, : rows.extent] = rows.mask[part].numpy()
        places, paths = _paths(rows, part, mask)
        return Batch(
            ids=ids,
            slots=np.array(rows.slot_numbers[part], np.int64),
            cosines=self._turns[0][positions],
            sines=self._turns[1][positions],
            mask=mask,
            places=places,
            paths=paths,
            first_logits=max(first_logits - part.start, 0),
            logits=logits[max(part.start - first_logits, 0) : max(part.stop - first_logits, 0)],
            first_layer=0,
            stop_layer=self.layers,
            embedded=False,
        )

    def _compute(self, cached: Cached, batch: Batch) -> None:
        self._state[:] = 0
        threads, own, common = (
            self._team.threads,
            self._own,
            (self._weights, self._sizes, cached, batch, self._shared),
        )
        run: Any = cast("Any", layers).forward  # Numba's types
        self._team.run(lambda thread: run(thread, threads, self._state, *common, own[thread]))

    def _angles(self, positions: int) -> tuple[Any, Any]:
        """Cosines and sines float32 ``[positions, turned]``, as the model's own module has them."""
        with torch.inference_mode():
            cosines, sines = self._rotary(torch.zeros(1), torch.arange(positions)[None])
        return cosines[0].float().contiguous().numpy(), sines[0].float().contiguous().numpy()


def _paths(rows: Rows, part: slice, mask: Any) -> tuple[Any, Any]:
    """``places`` and ``paths`` of the rows of ``part``, whose ``mask`` becomes one of places.

    The places are the slots that a row's path would have were it the only one.
    """
    if not isinstance(rows, BranchRows):
        return np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    slots = np.array(rows.slot_numbers, np.int64)
    places = slots[: max(map(len, rows.paths))]
    paths = np.full((len(mask), len(places)), -1, np.int64)
    mask[:, slots] = False
    for row, path in enumerate(rows.paths[part]):
        paths[row, : len(path)] = slots[list(path)]
        mask[row, places[: len(path)]] = True
    return places, paths


def _shared(weights: Weights, sizes: Sizes, rows: int) -> Shared:
    hidden = padded_to(weights.attention_norm.shape[1], PANEL)
    inner = weights.gate_up.bias.shape[1] // 2
    widest = padded_to(max(hidden, inner, sizes.heads * sizes.dim), GROUP)
    return Shared(
        hidden=_floats(rows, hidden),
        rounded=np.zeros((rows, widest), np.int8),
        steps=_floats(rows * widest // GROUP),
        less=np.zeros(rows * widest // GROUP, np.int32),
        joined=_floats(rows, weights.qkv.bias.shape[1]),
        queries=_floats(rows * sizes.heads, sizes.dim),
        mixed=_floats(rows, sizes.heads * sizes.dim),
        gated=_floats(rows, inner),
    )


def _own(weights: Weights, sizes: Sizes) -> Own:
    width = padded_to(sizes.dim, NARROW)
    queries = _QUERIES
    return Own(
        row=_floats(weights.attention_norm.shape[1]),
        products=_floats(2, SWEEP, PANEL),
        panel=_floats(sizes.dim, BLOCK),
        padded=_floats(BLOCK, width),
        scores=_floats(ROWS, BLOCK),
        sums=_floats(queries, width),
        greatest=_floats(queries),
        total=_floats(queries),
    )


def _floats(*shape: int) -> Any:
    return np.zeros(shape, np.float32)
