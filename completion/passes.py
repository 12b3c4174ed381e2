"""One forward pass over a store, whoever computes it.

:class:`TransformersPass` runs any model as transformers implements it. What is quicker where it
applies has its own file and the same three methods.
"""

from typing import Any, Protocol

import torch

from kvcache.hf import StoreCache
from kvcache.rows import Rows, RowTensors
from kvcache.store import KVStore


class Pass(Protocol):
    """Computes ``rows``, which ``store.encoding`` or ``store.appending`` has yielded.

    Each call writes the keys and values of all rows and layers into the store. Lives on the
    engine thread; an error leaves it usable.
    """

    def encode(self, store: KVStore, rows: Rows) -> None:
        """Keys and values only."""
        ...

    def last_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """The logits behind the last row: float32 ``[vocabulary]``."""
        ...

    def every_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        """The logits behind each row: float32 ``[rows, vocabulary]``."""
        ...


class TransformersPass:
    """A causal language model of transformers with our attention set."""

    def __init__(self, model: Any) -> None:
        """``model`` is on its device already."""
        self._model = model
        self._body = model.get_decoder()

    def encode(self, store: KVStore, rows: RowTensors) -> None:
        """Run the layers without the output head."""
        self._body(**self._inputs(store, rows))

    def last_logits(self, store: KVStore, rows: RowTensors) -> torch.Tensor:
        """The output head sees the last row only."""
        return self._model(**self._inputs(store, rows), logits_to_keep=1).logits[0, -1].float()

    def every_logits(self, store: KVStore, rows: RowTensors) -> torch.Tensor:
        """The output head sees all rows."""
        return self._model(**self._inputs(store, rows)).logits[0].float()

    def _inputs(self, store: KVStore, rows: RowTensors) -> dict[str, Any]:
        return {
            "input_ids": rows.tokens[None],
            "position_ids": rows.positions[None],
            "attention_mask": rows.mask[None, None],
            "past_key_values": StoreCache(store, rows),
            "use_cache": True,
        }
