"""Running shares of guesses that came true."""

import random

import pytest

from drafts.acceptance import Acceptance
from drafts.draft import Draft


def guesses(acceptance: Acceptance, language: str, rate: float, *, count: int, stated: float = 0.9) -> None:
    chance = random.Random(7)
    for _ in range(count):
        truth = [1 if chance.random() < rate else 2]
        acceptance.note(Draft.chain("d", [1], [stated]), language, truth)


def test_unmeasured_is_what_the_drafter_says() -> None:
    acceptance = Acceptance()
    assert acceptance.by_chance("d", "python", 0.37) == pytest.approx(0.37)
    assert acceptance.by_position("d", "python", 3, prior=0.6) == pytest.approx(0.6)


def test_a_boaster_is_found_out() -> None:
    acceptance = Acceptance()
    guesses(acceptance, "python", 0.3, count=400)
    assert acceptance.by_chance("d", "python", 0.9) == pytest.approx(0.3, abs=0.06)
    assert acceptance.by_chance("d", "python", 0.2) == pytest.approx(0.2)  # another bucket
    assert acceptance.by_chance("e", "python", 0.9) == pytest.approx(0.9)  # another drafter


def test_languages_share_what_was_measured_until_they_have_their_own() -> None:
    acceptance = Acceptance()
    guesses(acceptance, "python", 0.2, count=400)
    assert acceptance.by_chance("d", "rust", 0.9) == pytest.approx(0.2, abs=0.06)
    guesses(acceptance, "rust", 0.8, count=200)
    assert acceptance.by_chance("d", "rust", 0.9) > 0.7
    assert acceptance.by_chance("d", "python", 0.9) < 0.3


def test_what_comes_behind_a_miss_says_nothing() -> None:
    acceptance = Acceptance()
    for _ in range(50):
        acceptance.note(Draft.chain("d", [1, 2, 3], [0.5] * 3), "python", [1, 9, 3])
    assert acceptance.by_position("d", "python", 0, prior=0.5) > 0.9
    assert acceptance.by_position("d", "python", 1, prior=0.5) < 0.1
    assert acceptance.by_position("d", "python", 2, prior=0.5) == pytest.approx(0.5)


def test_what_the_target_has_not_said_yet_says_nothing() -> None:
    acceptance = Acceptance()
    for _ in range(50):
        acceptance.note(Draft.chain("d", [1, 2], [0.5] * 2), "python", [1])
    assert acceptance.by_position("d", "python", 1, prior=0.5) == pytest.approx(0.5)


def test_old_measurements_fade() -> None:
    acceptance = Acceptance()
    guesses(acceptance, "python", 0.0, count=2_000)
    guesses(acceptance, "python", 1.0, count=2_000)
    assert acceptance.by_chance("d", "python", 0.9) > 0.9


def test_memory_is_bounded() -> None:
    acceptance = Acceptance()
    for number in range(10_000):
        acceptance.note(Draft.chain("d", [1], [0.5]), f"language {number}", [1])
    assert len(acceptance._shares) <= 4_096
