"""An empty store has nothing to be wrong about, and its audit computes nothing."""

import torch

from kvcache.audit import largest_error
from kvcache.config import CacheShape
from kvcache.store import KVStore


def test_an_empty_store_is_right() -> None:
    shape = CacheShape(layers=1, kv_heads=1, head_dim=2, element_bytes=4)
    store = KVStore(shape, 4, dtype=torch.float32, device=torch.device("cpu"))

    def never(tokens: tuple[int, ...]) -> KVStore:
        raise AssertionError(f"{tokens} need no computation")

    assert largest_error(store, never) == 0.0
