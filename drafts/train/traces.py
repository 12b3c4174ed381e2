"""What a target thinks of given text: the input and the goal of training an adapter.

One safetensors file a sample, so that whoever was interrupted goes on behind the last whole one. Hidden
states are scaled before they are kept in float16: some models' have a size that float16 lacks.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import safetensors.torch
import torch


@dataclass(frozen=True)
class Sample:
    """Tokens, and how much each position counts: what the target says behind it is the goal there."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Trace:
    """A sample as the target sees it.

    ``shallow`` and ``last`` are hidden states behind the exit and behind the last layer, float32
    ``[length, hidden]``; ``greedy`` int64 ``[length]`` is what the target would say behind each token.
    """

    weights: torch.Tensor
    shallow: torch.Tensor
    last: torch.Tensor
    greedy: torch.Tensor


class Target(Protocol):
    """The model that is drafted for."""

    def trace(self, ids: Sequence[int], layers: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """``shallow``, ``last`` and ``greedy`` of a :class:`Trace` with the exit behind ``layers``."""
        ...


def trace_all(
    target: Target, samples: Sequence[Sample], layers: int, *, folder: Path
) -> Generator[int, None, None]:
    """Write a trace of every sample into ``folder``, unless it is there; yields how many are."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples):
        path = folder / f"{number:06}.safetensors"
        if not path.exists():
            shallow, last, greedy = target.trace(sample.ids, layers)
            weights = torch.tensor(sample.weights, dtype=torch.float32)
            _write(path, Trace(weights, shallow, last, greedy))
        yield number + 1


def read_traces(folder: Path) -> list[Trace]:
    """All traces in ``folder``, in the order of their samples."""
    return [_read(path) for path in sorted(folder.glob("*.safetensors"))]


def _write(path: Path, trace: Trace) -> None:
    tensors = {"weights": trace.weights, "greedy": trace.greedy.int()}
    for name, states in (("shallow", trace.shallow), ("last", trace.last)):
        scale = states.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12)
        tensors[name], tensors[f"{name}_scale"] = (states / scale).half(), scale
    beside = path.with_suffix(".part")
    cast("Any", safetensors.torch).save_file(tensors, beside)
    beside.replace(path)


def _read(path: Path) -> Trace:
    tensors: dict[str, torch.Tensor] = cast("Any", safetensors.torch).load_file(path)
    shallow, last = (tensors[name].float() * tensors[f"{name}_scale"] for name in ("shallow", "last"))
    return Trace(tensors["weights"], shallow, last, tensors["greedy"].long())
