"""Figures and verdicts from findings that are made up."""

import math
from collections.abc import Sequence

import pytest

from benchmarks.infills import END, Answer
from benchmarks.kept import Judged, Kept, Read
from benchmarks.verdicts import LLAMA, REFERENCE, differences, perplexity, row, verdicts

CHOICES = (((1, 5.0), (2, 4.5), (3, 1.0)), ((END, 3.0), (4, 2.0)))


def kept(passed: Sequence[bool], *, other: int = 0, nats: float | None = 10.0) -> Kept:
    """``other`` answers differ from the reference's."""
    found = Kept(None, {})
    for number, each in enumerate(passed):
        ids = (2, END) if number < other else (1, END)
        answer = Answer(ids, f"line {ids[0]}", CHOICES)
        found.add(Judged(f"T/{number}", answer, passed=each, reason="", exact=each))
    found.add(Read("a.py", 10, nats))
    return found


def passes(hits: int, count: int = 200) -> list[bool]:
    return [number < hits for number in range(count)]


@pytest.mark.parametrize(("hits", "met"), [(140, True), (138, True), (137, False), (150, True)])
def test_the_default_may_lose_a_point(hits: int, met: bool) -> None:
    found = {REFERENCE: kept(passes(140)), "other": kept(passes(hits))}
    (verdict,) = verdicts(found, "other")
    assert verdict.met == met
    assert f"{(140 - hits) / 2:.1f} points" in str(verdict)
    assert str(verdict).endswith("met." if met else "MISSED.")


def test_what_is_gained_makes_up_for_what_is_lost() -> None:
    reference, other = kept([True, True, False, False]), kept([False, True, True, True])
    (verdict,) = verdicts({REFERENCE: reference, "other": other}, "other")
    assert verdict.met
    assert "1 of 4 prompts lost, 2 gained" in str(verdict)


@pytest.mark.parametrize(("other", "met"), [(10, True), (11, False)])
def test_8_bit_weights_equal_float32_on_95_per_cent(other: int, met: bool) -> None:
    found = {REFERENCE: kept(passes(140)), "int8": kept(passes(140), other=other)}
    (verdict,) = verdicts(found, "float32")
    assert verdict.met == met
    assert f"{200 - other} of 200" in str(verdict)


@pytest.mark.parametrize(("llama", "met"), [(136, True), (137, True), (138, False), (150, False)])
def test_the_default_loses_no_more_than_llama(llama: int, met: bool) -> None:
    found = {REFERENCE: kept(passes(140)), "other": kept(passes(137)), LLAMA: kept(passes(llama), nats=None)}
    assert verdicts(found, "other")[-1].met == met


def test_who_loses_nothing_need_not_gain_what_llama_gains() -> None:
    found = {REFERENCE: kept(passes(140)), "other": kept(passes(140)), LLAMA: kept(passes(150), nats=None)}
    assert verdicts(found, "other")[-1].met


def test_what_was_not_measured_has_no_verdict() -> None:
    assert verdicts({REFERENCE: kept(passes(1)), "float32": kept(passes(1))}, "int8") == []


def test_perplexity_is_of_all_tokens_together() -> None:
    found = Kept(None, {})
    found.add(Read("a", 10, 10 * math.log(2)))
    found.add(Read("b", 30, 30 * math.log(4)))
    assert perplexity(found) == pytest.approx(2**0.25 * 4**0.75)


def test_a_row_compares_with_the_reference() -> None:
    found = row("int8", kept([True, False], other=1, nats=11.0), kept([True, True]))
    assert (found["pass@1 %"], found["EM %"], found["lost, points"], found["greedy equal %"]) == (
        50,
        50,
        50,
        50,
    )
    assert (found["perplexity"], found["more than float32, %"]) == ("3.004", "10.52")


def test_where_no_likelihoods_are_told_there_is_no_perplexity() -> None:
    found = row(LLAMA, kept([True], nats=None), kept([True]))
    assert (found["perplexity"], found["more than float32, %"]) == (None, None)


def answered(*answers: tuple[int, ...]) -> Kept:
    found = Kept(None, {})
    for number, ids in enumerate(answers):
        answer = Answer(ids, f"line {ids[0]}", CHOICES)
        found.add(Judged(f"T/{number}", answer, passed=True, reason="", exact=True))
    return found


def test_differences_are_listed_nearest_tie_first() -> None:
    same = (1, END)
    found = differences(
        "int8",
        answered((9, 1), (1, END), (2, END), (1, 4, 7)),
        answered(same, same, same, same),
        lines={f"T/{number}": f"    {number}" for number in range(4)},
        spell=lambda token: f"<{token}>",
    )
    assert [(each.prompt, each.margin, each.margin_at_least) for each in found] == [
        ("T/2", 0.5, 0.5),
        ("T/3", 1.0, 1.0),
        ("T/0", None, 4.0),
    ]
    assert [(each.at_token, each.reference_token, each.answer_token) for each in found] == [
        (0, "<1>", "<2>"),
        (1, "<end>", "<4>"),
        (0, "<1>", "<9>"),
    ]
    assert (found[0].missing_line, found[0].reference, found[0].answer) == ("    2", "line 1", "line 2")
