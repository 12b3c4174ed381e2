"""Numbers on their way to a device, without waiting for it."""

from collections.abc import Sequence

import torch

Numbers = Sequence[int] | Sequence[Sequence[int]]


def staged(numbers: Numbers, device: torch.device) -> torch.Tensor:
    """``numbers`` as an int64 tensor of the host that ``device`` can fetch from at its leisure.

    For a GPU that is pinned memory. torch hands it to nobody else before the copies that were
    queued from it are done.
    """
    return torch.tensor(numbers, dtype=torch.int64, pin_memory=device.type == "cuda")


def upload(numbers: Numbers, device: torch.device) -> torch.Tensor:
    """``numbers`` as an int64 tensor on ``device``: one copy, queued and not waited for."""
    return staged(numbers, device).to(device, non_blocking=True)
