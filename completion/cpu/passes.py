"""A forward pass on the CPU: the kernels over a store."""

import weakref
from functools import partial
from typing import Any, cast

import numpy as np
import torch

from completion.cpu import layers
from completion.cpu.attention import BLOCK, NARROW
from completion.cpu.integers import GROUP, PANEL
from completion.cpu.layers import COUNTERS_A_LAYER, Batch, Cached, Own, Shared, Sizes, Weights
from completion.cpu.product import ROWS, SWEEP
from completion.cpu.sync import give_up, new_state
from completion.cpu.team import Team
from completion.cpu.weights import padded_to
from kvcache.rows import BranchRows, Rows
from kvcache.store import KVStore

MOST_ROWS = 128
"""Rows computed together; longer passes go in pieces, which changes no number."""

_TABLE_STEP = 1024

_QUERIES = 256
"""Queries of a head that a thread attends for at a time."""


class CpuPass:
    """The passes of one model. Lives on the engine thread; its helpers end with it."""

    def __init__(self, weights: Weights, sizes: Sizes, vocabulary: int, *, rotary: Any, threads: int) -> None:
        """``rotary`` is the rotary module of transformers' model; ``threads`` compute each pass together."""
        self._weights = weights
        self._sizes = sizes
        self._vocabulary = vocabulary
        self._rotary = rotary
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

    def _run(self, store: KVStore, rows: Rows, *, first_logits: int) -> torch.Tensor:
        count = len(rows.ids)
        width = padded_to(self._vocabulary, PANEL)
        logits = torch.empty(count - first_logits, width, dtype=torch.float32)
        keys, values, born = (part.numpy() for part in store.arenas())
        cached = Cached(keys, values, born, rows.extent)
        for start in range(0, count, MOST_ROWS):
            part = slice(start, min(start + MOST_ROWS, count))
            self._compute(cached, self._batch(rows, part, first_logits, logits.numpy()))
        return logits[:, : self._vocabulary]

    def _batch(self, rows: Rows, part: slice, first_logits: int, logits: Any) -> Batch:
        """The rows of ``part``; ``logits`` has those from ``first_logits`` on."""
        positions, ids = np.array(rows.at[part], np.int64), np.array(rows.ids[part], np.int64)
        if ids.min() < 0 or ids.max() >= self._vocabulary:  # the kernels would read what lies beside
            raise IndexError(f"The model has no token {ids.max()}: its vocabulary is {self._vocabulary}.")
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
