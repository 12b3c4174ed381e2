"""A CUDA graph's rules, on a CPU: operations are written down once and done again on the same memory.

What Python decided while recording is frozen, every tensor keeps its address, and whatever reads a value
on the host or brings one from there is refused, as a capture refuses it.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from completion.graphs import Step
from completion.passes import TransformersPass
from completion.recordings import Replay
from kvcache.rows import RowTensors
from kvcache.store import KVStore

READS = ("_local_scalar_dense", "item", "is_nonzero", "nonzero")
"""Operations that wait for the device, by aten's names."""

BRINGS = ("lift_fresh",)
"""Operations that make a tensor of numbers of the host."""


@dataclass
class Operation:
    call: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    fresh: list[torch.Tensor]
    """Results with memory of their own: what later operations read, so it is filled anew."""

    def again(self) -> None:
        results = tensors(self.call(*self.args, **self.kwargs))
        if self.fresh:
            for old, new in zip(self.fresh, results, strict=True):
                old.copy_(new)


class Tape(TorchDispatchMode):
    """Writes down what is computed in the block."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in (*READS, *BRINGS):
            raise RuntimeError(f"operation not permitted when stream is capturing: {name}")
        result = func(*args, **(kwargs or {}))
        self.operations.append(Operation(func, args, kwargs or {}, fresh_of(result, (args, kwargs))))
        return result

    def replay(self) -> None:
        for operation in self.operations:
            operation.again()


@dataclass
class TapeRecorder:
    """Records on tapes. ``taped`` counts the recordings."""

    taped: int = 0
    replayed: int = 0

    def record(self, step: Step) -> Replay:
        with Tape() as tape:
            logits = step()
        self.taped += 1

        def replay() -> torch.Tensor | None:
            self.replayed += 1
            tape.replay()
            return logits

        return replay


@dataclass
class Refuses:
    """A device on which nothing can be captured."""

    asked: int = 0

    def record(self, step: Step) -> Replay:
        self.asked += 1
        try:
            raise ValueError("capturing is not permitted here\nand a second line")
        finally:
            raise RuntimeError("the capture was broken off")


class ReadsOnTheHost(TransformersPass):
    """A model that looks at a value in the middle of its pass, as some do."""

    def last_logits(self, store: KVStore, rows: RowTensors) -> torch.Tensor:
        logits = super().last_logits(store, rows)
        assert float(logits.max()) < float("inf")
        return logits


class Traffic(TorchDispatchMode):
    """Counts what crosses between host and device in the block, and all operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def brought(self) -> int:
        return sum(self.names[name] for name in BRINGS)

    @property
    def read(self) -> int:
        return sum(self.names[name] for name in READS)


def tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def fresh_of(result: Any, given: Any) -> list[torch.Tensor]:
    """The tensors of ``result``, if none of them lies in memory of what was given."""
    known = {each.untyped_storage().data_ptr() for each in tensors(given)}
    found = tensors(result)
    return [] if any(each.untyped_storage().data_ptr() in known for each in found) else found
