"""What is noted of the reference's logits."""

import math

import pytest
import torch

from benchmarks.infills import END
from benchmarks.reference import CHOICES, likeliest, nats

LOGITS = torch.tensor([0.0, 3.0, 1.0, 2.0, 2.5])


def test_the_likeliest_fall_and_stop_tokens_are_one() -> None:
    assert likeliest(LOGITS, (), frozenset({3, 4})) == ((1, 3.0), (END, 2.5), (2, 1.0), (0, 0.0))


def test_only_allowed_tokens_are_noted() -> None:
    assert likeliest(LOGITS, (0, 3), frozenset()) == ((3, 2.0), (0, 0.0))


def test_no_more_are_noted_than_are_said() -> None:
    assert len(likeliest(torch.arange(100.0), (), frozenset())) == CHOICES


def test_nats_of_an_even_guess() -> None:
    assert nats(torch.zeros(3, 8), [1, 2, 7]) == pytest.approx(3 * math.log(8))
