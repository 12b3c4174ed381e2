"""Arenas grow without losing anything."""

import torch

from kvcache.arenas import listed, put, widened


def test_a_widened_arena_begins_with_the_old_one() -> None:
    arena = torch.arange(24.0, dtype=torch.float64).reshape(2, 1, 4, 3)
    wide = widened(arena, 7)
    assert wide.shape == (2, 1, 7, 3)
    assert wide.dtype == torch.float64
    assert torch.equal(wide[:, :, :4], arena)
    assert not wide[:, :, 4:].any()
    wide[:] = 0
    assert arena.any()


def test_numbers_are_listed() -> None:
    assert listed(torch.tensor([3, 1])) == [3, 1]


def test_rows_land_in_their_slots() -> None:
    rows = torch.arange(12.0).reshape(2, 3, 2)
    for slots in (slice(1, 4), torch.tensor([4, 0, 2])):
        arena = torch.full((2, 5, 2), -1.0)
        put(arena, slots, rows)
        assert torch.equal(arena[:, slots], rows)
        assert (arena == -1).sum() == 8
