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
from kvcache.rotary import rope_parameters, rope_type
from kvcache.rows import RowTensors
from kvcache.store import KVStore

ATTENTION = "splice_slots"
"""Name under which :func:`attend_slots` is registered with transformers."""


class StoreCache(Cache):
    """One forward pass's view of a store: new keys and values go in, all come out.

    Made for one ``store.encoding`` block and thrown away with it.
    """

    def __init__(self, store: KVStore, rows: RowTensors) -> None:
        """``rows`` is what the store's ``encoding`` or ``appending`` yielded, or its ``static_rows``."""
        super().__init__(layers=[])
        self._store = store
        self._rows = rows

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one layer's keys and values; see :meth:`KVStore.write`."""
        return self._store.write(layer_idx, key_states, values=value_states, rows=self._rows)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 # transformers' signature
        """Tokens in front of the rows of this pass."""
        return self._rows.first()


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
    where a row may look, or what is added to its scores. The query heads of a group become
    further rows of their key/value head (Ainslie et al. 2023, section 2). Returns
    ``[1, rows, heads, head_dim]``.
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

    Raises UnsupportedCache, by name, for layers whose cache is not plain keys and values:
    recurrent and linear-attention layers, compressed keys and values, and models that mix
    kinds of layers. Some are plain up to a length only: see :func:`position_limit`.
    """
    kinds = sorted(set(getattr(config, "layer_types", None) or ["full_attention"]))
    if kinds not in (["full_attention"], ["sliding_attention"]):
        raise _refusal(config, f"it has layers of kind {', '.join(kinds)}")
    if getattr(config, "kv_lora_rank", None):
        raise _refusal(config, "its keys and values are compressed (multi-head latent attention)")
    heads = getattr(config, "num_attention_heads", None)
    if not heads:
        raise _refusal(config, "it has no attention heads")
    return CacheShape(
        layers=int(config.num_hidden_layers),
        kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        element_bytes=element_bytes,
    )


def position_limit(config: PretrainedConfig) -> int | None:
    """The most positions for which the cache is plain: every key, turned by steady angles.

    A sliding window is the whole sequence while that is no longer than the window; the angles
    of LongRoPE and dynamic NTK stay as they are up to the length of the first training. None:
    no limit but the model's own.
    """
    limits: list[int] = []
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True):
        limits.append(int(window))
    kind = rope_type(config)
    if kind == "dynamic":
        limits.append(int(config.max_position_embeddings))
    if kind == "longrope":
        # Phi-3 keeps the length beside the parameters; transformers gives that place priority.
        length = getattr(config, "original_max_position_embeddings", None)
        length = length or rope_parameters(config).get("original_max_position_embeddings")
        limits.append(int(length or config.max_position_embeddings))
    return min(limits, default=None)


def _refusal(config: PretrainedConfig, reason: str) -> UnsupportedCache:
    return UnsupportedCache(f"A cache of {config.model_type!r} cannot be kept: {reason}.")
