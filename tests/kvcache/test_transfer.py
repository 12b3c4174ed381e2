"""Numbers arrive as they are, whatever their nesting."""

import torch

from kvcache.transfer import staged, upload

CPU = torch.device("cpu")


def test_numbers_arrive() -> None:
    assert upload([3, 1, 2], CPU).tolist() == [3, 1, 2]
    assert upload(((1, 2), (3, 4), (5, 6)), CPU).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert upload([], CPU).shape == (0,)
    assert upload((), CPU).dtype == staged([1], CPU).dtype == torch.int64


def test_memory_is_pinned_for_a_gpu_only() -> None:
    assert not staged([1], CPU).is_pinned()
