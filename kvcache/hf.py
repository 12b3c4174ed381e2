"""Stores behind transformers' cache interface, and attention over slots.

The only importer of transformers' cache and attention interfaces.
"""

from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PretrainedConfig
from transformers.cache_utils import Cache

from kvcache.config import CacheShape
from kvcache.errors import UnsupportedCache
from kvcache.store import Append, KVStore

_UNSTEADY = frozenset({"dynamic", "longrope"})

ATTENTION = "splice_slots"
"""Name under which :func:`attend_slots` is registered with transformers."""


class StoreCache(Cache):
    """One forward pass's view of a store: new keys and values go in, all come out.

    Made for one ``store.appending`` block and thrown away with it.
    """

    def __init__(self, store: KVStore, append: Append) -> None:
        """``append`` is what the store's ``appending`` block yielded."""
        super().__init__(layers=[])
        self._store = store
        self._append = append

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's keys and values; see :meth:`KVStore.write`."""
        return self._store.write(layer_idx, key_states, values=value_states, append=self._append)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 # transformers' signature
        """Tokens in front of the rows of this pass."""
        return int(self._append.positions[0])


def attend_slots(
    _module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Grouped-query attention with an explicit mask, without repeating keys or values.

    ``query`` is ``[1, heads, rows, head_dim]``; ``key`` and ``value`` are
    ``[1, kv_heads, extent, head_dim]``; ``attention_mask`` is ``[1, 1, rows, extent]``, True
    where a row may look. The query heads of a group become further rows of their key/value
    head (Ainslie et al. 2023, section 2). Returns ``[1, rows, heads, head_dim]``.
    """
    batch, heads, rows, dim = query.shape
    kv_heads = key.shape[1]
    groups = heads // kv_heads
    stacked = query.reshape(batch, kv_heads, groups * rows, dim)
    mask = attention_mask if rows == 1 else attention_mask.repeat(1, 1, groups, 1)
    out = nn.functional.scaled_dot_product_attention(stacked, key, value, attn_mask=mask, scale=scaling)
    return out.reshape(batch, heads, rows, dim).transpose(1, 2), None


def register_attention() -> None:
    """Make ``attn_implementation=ATTENTION`` known to transformers. Idempotent."""
    interface: Any = AttentionInterface  # partly untyped
    interface.register(ATTENTION, attend_slots)


def cache_shape(config: PretrainedConfig, element_bytes: int) -> CacheShape:
    """The shape of the model's cache.

    Raises UnsupportedCache, by name, for layers whose cache is not plain keys and values of
    the whole sequence (sliding windows, recurrent and linear-attention layers), and for
    rotary frequencies that change with the length of the sequence.
    """
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        names = ", ".join(sorted(kinds - {"full_attention"}))
        raise UnsupportedCache(
            f"A cache of {config.model_type!r} cannot be kept: it has layers of kind {names}."
        )
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True):
        raise UnsupportedCache(
            f"A {config.model_type!r} cache cannot be kept: it slides over {window} tokens."
        )
    kind = _rope_type(config)
    if kind in _UNSTEADY:
        raise UnsupportedCache(
            f"A {config.model_type!r} cache cannot be kept: its rotary angles ({kind}) change with length."
        )
    heads = int(config.num_attention_heads)
    return CacheShape(
        layers=int(config.num_hidden_layers),
        kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        element_bytes=element_bytes,
    )


def _rope_type(config: PretrainedConfig) -> str:
    """The kind of rotary scaling, as transformers names it."""
    parameters: dict[str, Any] = (
        getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    )
    return str(parameters.get("rope_type") or parameters.get("type") or "default")
