"""A device whose memory runs out when the test says so: the one fault that has to be injected."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class ShortOfMemory(TorchDispatchMode):
    """Within the block, operations that allocate raise torch's own error where ``fails`` says so.

    ``fails`` is called with the number of the allocation, from 0 on, and its bytes. ``count`` is how many
    there were, ``failed`` how many of them in vain.
    """

    def __init__(self, fails: Callable[[int, int], bool]) -> None:
        super().__init__()
        self.count = 0
        self.failed = 0
        self._fails = fails

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        aliases = any(returned.alias_info is not None for returned in func._schema.returns)
        if aliases and func._schema.name != "aten::lift_fresh":  # that one is what torch.tensor ends with
            return out  # a view, or in place
        number, self.count = self.count, self.count + 1
        if self._fails(number, _bytes_of(out)):
            self.failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return out


def _bytes_of(out: Any) -> int:
    parts = out if isinstance(out, tuple | list) else (out,)
    return sum(part.nbytes for part in parts if isinstance(part, torch.Tensor))
