"""Decoding and verifying as recorded passes: one launch a step instead of a thousand.

A pass of few rows takes a GPU less time than Python takes to ask for it. So such passes are
recorded, on a GPU as CUDA graphs, and replayed over buffers that stay where they are: ids,
positions and slots go into one buffer with one copy, and what to write, what to see and where
every token stands is worked out from them on the device.
"""

import logging
from collections.abc import Callable
from typing import Protocol

import torch

from completion.passes import TransformersPass
from completion.recordings import Recordings, Replay
from completion.shapes import Output, PassShape, padded, recorded_shape
from kvcache.rows import BranchRows, Rows, RowTensors
from kvcache.store import KVStore
from kvcache.transfer import staged

_log = logging.getLogger(__name__)

_MOST = 48
"""Recordings that are kept: a few shapes of the stores in use."""

Step = Callable[[], torch.Tensor | None]


class Recorder(Protocol):
    """How a step is recorded; :class:`completion.cuda_graphs.CudaRecorder` is the real one."""

    def record(self, step: Step) -> Replay:
        """Record ``step``, which may run for this, over memory that stays where it is.

        What comes back does the same work on the same addresses and gives the same tensor,
        filled anew. It keeps ``step`` and the store inside no longer alive. Raises whatever
        stands in the way.
        """
        ...


class GraphPass:
    """A :class:`~completion.passes.Pass` that records the passes of few rows that come again.

    The first pass of a shape over a store is computed plainly, the second is recorded. What
    cannot be recorded is computed plainly for ever, and the log says so once. So are trees,
    silently.
    """

    def __init__(
        self, plain: TransformersPass, recorder: Recorder, *, most: int = _MOST, at_once: bool = False
    ) -> None:
        """``plain`` computes what is recorded, and all the rest. ``at_once``: record first passes, too."""
        self._plain = plain
        self._recorder: Recorder | None = recorder
        self._at_once = at_once
        self._recordings = Recordings(most)
        self._buffers: dict[int, torch.Tensor] = {}
        """By rows: ids, positions and slots, int64 ``[3, rows]``."""

    @property
    def recorded(self) -> int:
        """How many recordings are kept."""
        return len(self._recordings)

    def encode(self, store: KVStore, rows: Rows) -> None:
        """See :class:`~completion.passes.Pass`."""
        self._run(store, rows, Output.NONE)

    def last_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """See :class:`~completion.passes.Pass`."""
        return _there(self._run(store, rows, Output.LAST))

    def every_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """See :class:`~completion.passes.Pass`."""
        logits = _there(self._run(store, rows, Output.EVERY))
        return logits.reshape(-1, logits.shape[-1])[: len(rows.ids)]

    def _run(self, store: KVStore, rows: Rows, output: Output) -> torch.Tensor | None:
        shape = _shape(store, rows, output)
        replay = None if shape is None else self._replay(store, rows, shape)
        if replay is None:
            return self._compute(store, rows, output)
        logits = replay()
        rows.placed()
        # The next replay of any recording may overwrite these logits, whoever holds them then.
        return None if logits is None else logits.clone()

    def _replay(self, store: KVStore, rows: Rows, shape: PassShape) -> Replay | None:
        """What to replay for ``rows``, with its buffer filled; None: compute plainly."""
        if self._recorder is None:
            return None
        replay = self._recordings.find(store, shape)
        if replay is None and not self._at_once and not self._recordings.asked_before(store, shape):
            return None
        self._fill(rows, shape.rows)
        return replay or self._record(store, shape, self._recorder)

    def _fill(self, rows: Rows, count: int) -> None:
        """Bring the rows into their buffer, padded: the one copy to the device of this step."""
        device = rows.position_of.device
        if count not in self._buffers:
            self._buffers[count] = torch.zeros(3, count, dtype=torch.int64, device=device)
        numbers = [padded(each, count) for each in (rows.ids, rows.at, rows.slot_numbers)]
        self._buffers[count].copy_(staged(numbers, device), non_blocking=True)

    def _record(self, store: KVStore, shape: PassShape, recorder: Recorder) -> Replay | None:
        try:
            replay = recorder.record(self._step(store, shape))
        except Exception as error:  # noqa: BLE001 - CUDA, torch and models refuse with errors of any kind
            _log.warning("Decoding goes on without recorded passes, which is slower: %s", _told(error))
            self._recorder = None
            self._recordings.clear()
            return None
        self._recordings.keep(store, shape, replay)
        return replay

    def _step(self, store: KVStore, shape: PassShape) -> Step:
        """A pass over what the buffer holds when it runs."""
        packed = self._buffers[shape.rows]

        def step() -> torch.Tensor | None:
            rows = store.static_rows(packed, shape.extent)
            rows.place()
            return self._compute(store, rows, shape.output)

        return step

    def _compute(self, store: KVStore, rows: RowTensors, output: Output) -> torch.Tensor | None:
        if output is Output.NONE:
            return self._plain.encode(store, rows)
        if output is Output.LAST:
            return self._plain.last_logits(store, rows)
        return self._plain.every_logits(store, rows)


def _shape(store: KVStore, rows: Rows, output: Output) -> PassShape | None:
    """The shape to record ``rows`` in. None for a tree: a recording sees by position alone."""
    if isinstance(rows, BranchRows):
        return None
    return recorded_shape(len(rows.ids), rows.extent, capacity=store.capacity, output=output)


def _there(logits: torch.Tensor | None) -> torch.Tensor:
    if logits is None:
        raise RuntimeError("A pass that was asked for logits gave none.")
    return logits


def _told(error: BaseException) -> str:
    """The first line and the type of what went wrong first: a capture that is broken off raises once more."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
