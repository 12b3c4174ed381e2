"""The target of an adapter that is trained, as :mod:`drafts.train` asks for it."""

from collections.abc import Sequence

import torch

from completion.cpu.passes import CpuPass
from drafts.train.exit_model import Frozen
from kvcache.config import CacheShape
from kvcache.store import KVStore, rounded_capacity


class ExitTarget:
    """A model in the kernels. Lives on one thread, like its passes."""

    def __init__(self, passes: CpuPass, shape: CacheShape, *, name: str) -> None:
        """``shape`` is that of the model's caches; ``name`` tells the model from others."""
        self._passes = passes
        self._shape = shape
        self._name = name

    def frozen(self, layers: int, words: torch.Tensor) -> Frozen:
        """See :meth:`CpuPass.frozen`."""
        return self._passes.frozen(layers, name=self._name, words=words)

    def trace(self, ids: Sequence[int], layers: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the model makes of ``ids``: see :class:`drafts.train.traces.Trace`."""
        passes, room = self._passes, rounded_capacity(len(ids))
        store = KVStore(self._shape, room, dtype=torch.float32, device=torch.device("cpu"))
        with torch.inference_mode(), store.appending(ids) as rows:
            shallow = passes.shallow(store, rows, layers)
            last = passes.shallow(store, rows, passes.layers)
            return shallow, last, passes.deep(store, rows, last, passes.layers).argmax(dim=-1)
