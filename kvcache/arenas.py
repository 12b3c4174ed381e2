"""Small things done to the tensors that keys and values lie in."""

from typing import TypeGuard, cast

import torch


def widened(arena: torch.Tensor, capacity: int) -> torch.Tensor:
    """A larger arena ``[layers, kv_heads, capacity, head_dim]`` that begins with what ``arena`` holds."""
    layers, heads, old, dim = arena.shape
    wide = torch.zeros((layers, heads, capacity, dim), dtype=arena.dtype, device=arena.device)
    wide[:, :, :old] = arena
    return wide


def put(arena: torch.Tensor, slots: slice | torch.Tensor, rows: torch.Tensor) -> None:
    """Write ``rows`` ``[kv_heads, rows, head_dim]`` into one layer of an arena; the host reads no slots.

    Of rows for the same slot any one may win, or parts of each.
    """
    if isinstance(slots, slice):
        arena[:, slots] = rows
    else:
        arena.index_copy_(1, slots, rows)


def is_tensor(part: object) -> TypeGuard[torch.Tensor]:
    """Whether an attribute is a tensor."""
    return isinstance(part, torch.Tensor)


def listed(tensor: torch.Tensor) -> list[int]:
    """The numbers of an integer tensor of one dimension."""
    return cast("list[int]", tensor.tolist())  # pyright: ignore[reportUnknownMemberType] # untyped there
