"""What passes take, learnt from noisy measurements."""

import random

import pytest

from drafts.times import PassTimes


def test_nothing_is_known_at_first() -> None:
    assert PassTimes().seconds(1) == 0


def test_rows_between_measured_ones_lie_between() -> None:
    times = PassTimes()
    for _ in range(20):
        times.note(1, 0.020)
        times.note(5, 0.028)
        times.note(9, 0.036)
    assert times.seconds(1) == pytest.approx(0.020, rel=0.01)
    assert times.seconds(3) == pytest.approx(0.024, rel=0.01)
    assert times.seconds(9) == pytest.approx(0.036, rel=0.01)


def test_rows_beyond_are_guessed_dearer() -> None:
    times = PassTimes()
    times.note(1, 0.020)
    assert times.seconds(2) > times.seconds(1)
    assert times.seconds(9) == pytest.approx(0.036)


def test_a_busy_machine_slows_all_rows() -> None:
    times = PassTimes()
    for _ in range(20):
        times.note(1, 0.02)
        times.note(4, 0.03)
    for _ in range(20):
        times.note(1, 0.04)
    assert times.seconds(4) == pytest.approx(0.06, rel=0.05)
    assert times.shape(4) == pytest.approx(1.5, rel=0.05)


def test_noise_does_not_move_the_shape() -> None:
    times, noise = PassTimes(), random.Random(3)
    for _ in range(200):
        times.note(1, 0.02 * noise.uniform(0.9, 1.1))
        times.note(6, 0.03 * (noise.uniform(0.9, 1.1) if noise.random() < 0.9 else 5))
    assert times.shape(6) == pytest.approx(1.5, rel=0.15)


def test_a_pass_of_more_rows_is_never_cheaper_than_one() -> None:
    times = PassTimes()
    times.note(1, 0.02)
    times.note(4, 0.001)
    assert times.shape(4) >= 1


def test_a_shape_measured_long_ago_is_forgotten() -> None:
    times = PassTimes()
    times.note(1, 0.02)
    for _ in range(9):
        times.note(4, 0.2)
    assert times.shape(4) > 3
    for _ in range(500):
        times.note(1, 0.02)
    assert times.shape(4) == pytest.approx(1.3)
