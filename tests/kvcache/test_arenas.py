"""Arenas grow without losing anything."""

import torch

from kvcache.arenas import is_tensor, listed, widened


def test_a_widened_arena_begins_with_the_old_one() -> None:
    arena = torch.arange(24.0, dtype=torch.float64).reshape(2, 1, 4, 3)
    wide = widened(arena, 7)
    assert wide.shape == (2, 1, 7, 3)
    assert wide.dtype == torch.float64
    assert torch.equal(wide[:, :, :4], arena)
    assert not wide[:, :, 4:].any()
    wide[:] = 0
    assert arena.any()


def test_tensors_are_told_apart_and_listed() -> None:
    assert is_tensor(torch.zeros(1))
    assert not is_tensor([0.0])
    assert listed(torch.tensor([3, 1])) == [3, 1]
