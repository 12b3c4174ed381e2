"""Runs the model over a store: tokens in, keys and values kept, logits out."""

from collections.abc import Generator, Sequence
from typing import Any

import torch

from kvcache.config import CacheShape
from kvcache.hf import StoreCache
from kvcache.store import KVStore, rounded_capacity


class Forward:
    """Forward passes of one model. Lives on the engine thread."""

    def __init__(self, model: Any, shape: CacheShape, *, dtype: torch.dtype, device: torch.device) -> None:
        """``model`` is a transformers causal language model with our attention set."""
        self._model = model
        self._body = model.get_decoder()
        self._shape = shape
        self._dtype = dtype
        self._device = device

    def encode(self, store: KVStore, tokens: Sequence[int]) -> None:
        """Append ``tokens`` to the store; nobody reads their logits, so none are computed."""
        with torch.inference_mode(), store.appending(tokens) as append:
            self._body(**self._inputs(store, tokens, append))

    def logits(self, store: KVStore, tokens: Sequence[int]) -> torch.Tensor:
        """Append ``tokens`` and return the logits behind the last: float32 ``[vocabulary]``."""
        with torch.inference_mode(), store.appending(tokens) as append:
            out = self._model(**self._inputs(store, tokens, append), logits_to_keep=1)
            return out.logits[0, -1].float()

    def prefill(
        self, store: KVStore, tokens: Sequence[int], chunk: int
    ) -> Generator[None, None, torch.Tensor]:
        """Append ``tokens`` (at least one) in chunks, pausing after each but the last.

        Returns the logits behind the last token. A chunk that was encoded stays in the
        store when the generator is closed.
        """
        last = (len(tokens) - 1) // chunk * chunk
        for start in range(0, last, chunk):
            self.encode(store, tokens[start : start + chunk])
            yield
        return self.logits(store, tokens[last:])

    def cold(self, tokens: Sequence[int]) -> KVStore:
        """A fresh store with ``tokens`` encoded in one piece: the truth to audit against."""
        store = KVStore(self._shape, rounded_capacity(len(tokens)), dtype=self._dtype, device=self._device)
        self.encode(store, tokens)
        return store

    def _inputs(self, store: KVStore, tokens: Sequence[int], append: Any) -> dict[str, Any]:
        return {
            "input_ids": torch.tensor([tokens], device=self._device),
            "position_ids": append.positions[None],
            "attention_mask": append.mask[None, None],
            "past_key_values": StoreCache(store, append),
            "use_cache": True,
        }
