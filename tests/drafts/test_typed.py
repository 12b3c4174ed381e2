"""The prediction follows the output: few passes for a text that is mostly as expected."""

import random
import time
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafts.draft import Draft, Source
from drafts.typed import CHANGED, PER_AGREED, TRUSTED, TypedDrafter
from kvcache.spans import Role, tagged
from tests.drafts.target import ScriptedTarget, write

PROMPT = tagged([(Role.PREFIX, (1, 2, 3))])
BREAK, INDENT, CLOSE = 1, 2, 3
"""What code says all the time: these make false ways back."""

tokens = st.lists(st.integers(1, 4), max_size=40).map(tuple)


def line(seed: int) -> tuple[int, ...]:
    """Ten tokens as of a line of code, most of which stand in no other."""
    names = random.Random(seed)
    return (INDENT, *(names.randrange(10, 50_000) for _ in range(6)), CLOSE, CLOSE, BREAK)


def text(seeds: range) -> tuple[int, ...]:
    return tuple(token for seed in seeds for token in line(seed))


def written(predicted: tuple[int, ...], truth: tuple[int, ...], most: int = 16) -> ScriptedTarget:
    return write(TypedDrafter(), Source(PROMPT, "a.py", predicted), truth, most=most)


def proposal(predicted: tuple[int, ...], output: tuple[int, ...], most: int = 16) -> Draft:
    drafter = TypedDrafter()
    list(drafter.begin(Source(PROMPT, None, predicted)))
    return drafter.propose(output, most)


PREDICTED = text(range(20))
EDITS = {
    "nothing changed": PREDICTED,
    "two lines put in": text(range(5)) + line(50) + text(range(5, 12)) + line(51) + text(range(12, 20)),
    "two lines left out": text(range(4)) + text(range(5, 13)) + text(range(14, 20)),
    "two lines changed": text(range(6)) + line(60) + text(range(7, 15)) + line(61) + text(range(16, 20)),
    "a name changed everywhere": tuple(9 if token == line(3)[2] else token for token in text(range(20))),
    "three lines at once left out": text(range(4)) + text(range(7, 20)),
    "two lines that changed places": text(range(8)) + line(9) + line(8) + text(range(10, 20)),
}


@pytest.mark.parametrize("truth", EDITS.values(), ids=EDITS)
def test_small_edits_cost_few_passes(truth: tuple[int, ...]):
    assert len(PREDICTED) == 200
    target = written(PREDICTED, truth)
    assert target.passes * 4 <= len(truth)
    unforeseen = len(set(truth) - set(PREDICTED))
    assert target.passes <= len(truth) / 17 + 1 + unforeseen + 12


def test_a_line_left_out_costs_two_passes():
    whole, shorter = written(PREDICTED, PREDICTED), written(PREDICTED, text(range(8)) + text(range(9, 20)))
    assert shorter.passes <= whole.passes + 2


def test_a_changed_token_costs_a_refused_and_a_short_draft():
    truth = (*PREDICTED[:34], 9, *PREDICTED[35:])
    assert written(PREDICTED, truth).passes <= written(PREDICTED, PREDICTED).passes + 2
    assert len(proposal(PREDICTED, truth[:35])) == PER_AGREED


def test_a_false_way_back_is_left_again():
    """The new line ends as each line does, so its end is found again, but too early."""
    repeated = (INDENT, 7, CLOSE, BREAK) * 3
    predicted = text(range(5)) + repeated + text(range(5, 10))
    truth = text(range(5)) + line(40) + repeated + line(41) + text(range(5, 10))
    assert written(predicted, truth).passes <= len(truth) / 17 + 20 + 8


def test_another_text_is_not_drafted_for_long():
    other = tuple(range(1_000, 1_200))
    target = written(PREDICTED, other)
    assert target.passes == len(other) + 1
    assert target.drafted <= 16 + 4 * CHANGED


@settings(deadline=None)
@given(tokens, tokens, st.integers(0, 9))
def test_whatever_is_predicted_the_output_is_the_truth(
    predicted: tuple[int, ...], truth: tuple[int, ...], most: int
):
    """`write` asserts it, and that no draft is longer than allowed."""
    target = written(predicted, truth, most)
    assert target.passes <= len(truth) + 1


@given(tokens, st.integers(0, 50))
def test_as_predicted_every_guess_is_right(predicted: tuple[int, ...], at: int):
    draft = proposal(predicted, predicted[:at])
    assert draft.tokens == predicted[at : at + 16]
    assert draft.is_chain
    assert list(draft.chances) == sorted(draft.chances)


def test_the_longer_it_agrees_the_surer_it_is():
    surer = [proposal(PREDICTED, PREDICTED[:at]).chances[0] for at in (0, 1, 50)]
    assert surer == sorted(set(surer))
    assert surer[0] == (TRUSTED + 1) / (TRUSTED + 2)


LOST = (99, 98, 97)
"""Three tokens that nobody predicted."""


def test_the_longest_way_back_is_taken_and_of_equals_the_nearest_ahead():
    predicted = (10, 11, 5, 6, 20, 9, 5, 6, 21, 5, 6, 22)
    assert proposal(predicted, (10, *LOST, 5, 6), 1).tokens == (20,)
    assert proposal(predicted, (10, *LOST, 9, 5, 6), 1).tokens == (21,)
    assert proposal(predicted, (*predicted[:9], *LOST, 20, 9), 1).tokens == (5,)  # behind


def test_one_token_found_again_is_no_way_back():
    assert proposal((10, 11, 12, 13, 5, 20), (10, *LOST, 5), 1) == Draft("typed")


def test_a_longer_way_back_is_better_than_a_nearer_one():
    predicted = (10, 11, 8, 5, 9, 7, 5, 6, 20, 8, 5, 6, 21)
    assert proposal(predicted, (10, *LOST, 8, 5), 1).tokens == (9,)
    assert proposal(predicted, (10, *LOST, 8, 5, 6), 1).tokens == (21,)


def test_a_way_back_is_not_relied_on_before_it_has_agreed_for_a_while():
    """What was put in ends like something far ahead, goes on like it for a token, and then does not."""
    known, skipped, rest = text(range(2)), (*text(range(2, 5)), 30, 31, 40), (5, 6, 7, 30, 31, 50)
    predicted = (*known, *skipped, *rest)
    assert proposal(predicted, (*known, *LOST, 5, 6), 1).tokens == (7,)
    assert proposal(predicted, (*known, *LOST, 5, 6, 7, 96, 30, 31), 1).tokens == (40,)


@pytest.mark.parametrize("away", [10, 60, 180])
def test_the_way_back_is_found_however_far_it_is(away: int):
    output = (*PREDICTED[:100], *LOST, *PREDICTED[away : away + 3])
    assert proposal(PREDICTED, output, 1).tokens == PREDICTED[away + 3 : away + 4]


def test_what_was_put_in_may_be_a_copy_of_text_far_off():
    """It is drafted, too, and behind it the way back is found."""
    truth = (*PREDICTED[:50], 9, *PREDICTED[141:180], *PREDICTED[50:])
    assert written(PREDICTED, truth).passes <= len(truth) / 17 + 1 + 12


def test_nothing_is_drafted_behind_the_prediction():
    assert proposal((5, 6, 7), (5, 6, 7)) == Draft("typed")
    assert proposal((), (5, 6, 7)) == Draft("typed")
    assert proposal((5, 6, 7), (5,), 0) == Draft("typed")


def test_another_output_is_followed_from_its_start():
    drafter = TypedDrafter()
    list(drafter.begin(Source(PROMPT, None, PREDICTED)))
    drafter.propose(PREDICTED[:50], 4)
    assert drafter.propose(PREDICTED[:10], 4).tokens == PREDICTED[10:14]
    assert drafter.propose((), 4).tokens == PREDICTED[:4]


def test_nothing_is_kept_between_requests():
    drafter = TypedDrafter()
    write(drafter, Source(PROMPT, "a.py", PREDICTED), PREDICTED)
    assert drafter.propose((), 4) == Draft("typed")
    assert drafter.name == "typed"
    list(drafter.begin(Source(PROMPT, "a.py", ())))
    assert len(drafter.propose(PREDICTED[:5], 4)) == 0


def test_a_proposal_takes_well_under_a_millisecond_though_the_output_is_lost():
    drafter = TypedDrafter()
    predicted = (BREAK, INDENT, CLOSE, CLOSE) * 2_000
    list(drafter.begin(Source(PROMPT, None, predicted)))
    output: list[int] = []
    times: list[float] = []
    for at in range(200):
        output.append((BREAK, CLOSE, 77, INDENT, CLOSE)[at % 5])
        started = time.thread_time()
        drafter.propose(output, 16)
        times.append(time.thread_time() - started)
    assert median(times) < 1e-3
