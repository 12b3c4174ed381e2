"""What a machine lacks is a sentence, and a copy has a speed on any device."""

import torch

from benchmarks.gpu_machine import copy_bandwidth, why_no_gpu


def test_a_machine_without_a_gpu_is_told_why() -> None:
    missing = why_no_gpu()
    assert bool(missing) != torch.cuda.is_available()
    assert not missing or (missing.startswith(f"torch {torch.__version__} ") and missing.endswith("."))


def test_copies_have_a_bandwidth() -> None:
    assert 1e7 < copy_bandwidth(torch.device("cpu"), 1 << 24) < 1e13
