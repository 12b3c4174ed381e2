"""Who drafts, how much, and when nobody does: on a simulated target and a clock that is told the time."""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import pytest

from drafts.chooser import Chooser
from drafts.draft import CostlyDrafter, Draft, Drafter, Source, Verdict
from drafts.verify import judge_greedy
from kvcache.spans import Role, tagged

SOURCE = Source(tagged([(Role.PREFIX, (1, 2, 3))]), document="d", language="python")
STEP_S = 0.02
ROW_S = 0.002


@dataclass
class Lucky(Drafter):
    """Guesses the truth with a fixed chance a token, and says what it thinks of itself."""

    truth: list[int]
    rate: float
    stated: float = 0.8
    name: str = "lucky"
    proposed: int = 0
    seen: list[int] = field(default_factory=list[int])
    ends: int = 0

    def begin(self, source: Source) -> Generator[None, None, None]:
        self.seen = []
        yield

    def propose(self, output: Sequence[int], most: int) -> Draft:
        self.proposed += 1
        dice = random.Random(f"{self.name} {self.proposed}")
        following = self.truth[len(output) : len(output) + most]
        tokens = [token if dice.random() < self.rate else (token + 7) % 700 for token in following]
        return Draft.chain(self.name, tokens, [self.stated] * len(tokens))

    def observe(self, verdict: Verdict) -> None:
        self.seen.extend(verdict.output)

    def end(self) -> None:
        self.ends += 1

    def forget(self, document: str) -> None:
        pass


@dataclass
class Model(Lucky, CostlyDrafter):
    """The same, and it takes time to get ready."""

    name: str = "model"
    token_s: float = 0.004
    begin_s: float = 0.0
    begun: int = 0

    def begin(self, source: Source) -> Generator[None, None, None]:
        self.begun += 1
        yield from super().begin(source)

    def pending_s(self, source: Source) -> float:
        return self.begin_s

    def guess(self, output: Sequence[int], most: int, floor: float) -> Draft:
        return self.propose(output, most)


@dataclass
class Ran:
    """What a run cost: passes and simulated seconds."""

    passes: int = 0
    seconds: float = 0.0


def run(chooser: Chooser, truth: list[int], *, requests: int, row_s: float = ROW_S) -> Ran:
    """Requests of which each is told ``truth``; returns the costs of the second half, when all is learnt."""
    cost = Ran()
    for number in range(requests):
        list(chooser.begin(SOURCE))
        output = truth[:1]
        while len(output) < len(truth):
            draft = chooser.propose(output, len(truth) - len(output) - 1)
            said = list(output)
            verdict = judge_greedy(draft, lambda _, path, said=said: truth[len(said) + len(path)])
            seconds = STEP_S + row_s * len(draft)
            chooser.observe(verdict, seconds)
            output.extend(verdict.output)
            if number >= requests // 2:
                cost.passes += 1
                cost.seconds += seconds + (0.004 * len(draft) if draft.drafter == "model" else 0)
        chooser.end()
        assert output == truth
    return cost


TRUTH = list(range(40))


def test_a_good_drafter_saves_passes() -> None:
    ran = run(Chooser([Lucky(TRUTH, 0.9)], window=8), TRUTH, requests=10)
    assert ran.passes < 5 * 39 / 2.5


def test_a_bad_drafter_is_not_sent_though_it_boasts() -> None:
    """Its guesses are compared with what came, sent or not."""
    ran = run(Chooser([Lucky(TRUTH, 0.02, stated=0.9)], window=8), TRUTH, requests=20)
    assert ran.seconds < 10 * 39 * STEP_S * 1.01


def test_a_drafter_that_becomes_good_is_found_out_without_a_trial() -> None:
    bad = Lucky(TRUTH, 0.0)
    chooser = Chooser([bad], window=8)
    run(chooser, TRUTH, requests=20)
    bad.rate = 1.0
    assert run(chooser, TRUTH, requests=20).passes < 10 * 39 / 3


def test_where_rows_are_dear_drafts_are_short_or_none() -> None:
    cheap = run(Chooser([Lucky(TRUTH, 0.6)], window=8), TRUTH, requests=10)
    dear = run(Chooser([Lucky(TRUTH, 0.6)], window=8), TRUTH, requests=10, row_s=0.015)
    assert cheap.passes < dear.passes
    assert dear.seconds <= 5 * 39 * STEP_S * 1.03


def test_the_better_of_two_is_sent() -> None:
    chooser = Chooser([Lucky(TRUTH, 0.3, name="poor"), Lucky(TRUTH, 0.95, name="good")], window=8)
    run(chooser, TRUTH, requests=20)
    list(chooser.begin(SOURCE))
    assert chooser.propose(TRUTH[:1], 8).drafter == "good"
    chooser.end()


def test_a_model_drafts_where_it_pays() -> None:
    run(chooser := Chooser([], [model := Model(TRUTH, 0.9)], window=8), TRUTH, requests=10)
    assert model.begun >= 9  # before the first pass nothing is known
    list(chooser.begin(SOURCE))
    assert chooser.propose(TRUTH[:1], 8).drafter == "model"
    chooser.end()


def test_a_model_that_never_guesses_right_costs_almost_nothing() -> None:
    chooser = Chooser([], [model := Model(TRUTH, 0.0)], window=8)
    ran = run(chooser, TRUTH, requests=40)
    assert ran.seconds < 20 * 39 * STEP_S * 1.03
    before = model.proposed
    run(chooser, TRUTH, requests=200)
    assert model.proposed > before  # tried again


def test_a_model_that_must_read_for_long_is_not_begun() -> None:
    run(Chooser([], [model := Model(TRUTH, 0.9, begin_s=30.0)], window=8), TRUTH, requests=10)
    assert model.begun == 0


def test_a_model_reads_while_nobody_waits() -> None:
    chooser = Chooser([], [model := Model(TRUTH, 0.9, begin_s=30.0)], window=8)
    list(chooser.catch_up(SOURCE))
    assert (model.begun, model.ends) == (1, 1)
    model.begin_s = 0.0
    list(chooser.catch_up(SOURCE))
    assert model.begun == 1  # it has read all
    run(chooser, TRUTH, requests=3)
    assert model.begun > 1


def test_a_reading_that_is_closed_gives_the_model_back() -> None:
    chooser = Chooser([], [model := Model(TRUTH, 0.9, begin_s=30.0)], window=8)
    reading = chooser.catch_up(SOURCE)
    next(reading)
    reading.close()
    assert model.ends == 1


def test_a_request_is_not_disturbed_by_a_reading() -> None:
    chooser = Chooser([], [model := Model(TRUTH, 0.9, begin_s=30.0)], window=8, force=True)
    reading = chooser.catch_up(SOURCE)
    next(reading)
    list(chooser.begin(SOURCE))
    assert list(reading) == []
    assert model.ends == 0  # the request has it
    assert chooser.propose(TRUTH[:1], 4).drafter == "model"
    chooser.end()
    assert model.ends == 1


def test_a_window_bounds_every_draft() -> None:
    chooser = Chooser([Lucky(TRUTH, 1.0)], window=3, force=True)
    list(chooser.begin(SOURCE))
    assert len(chooser.propose(TRUTH[:1], 20)) == 3
    assert len(chooser.propose(TRUTH[:1], 2)) == 2
    assert len(chooser.propose(TRUTH[:1], 0)) == 0
    chooser.end()


def test_everybody_hears_what_was_said_and_when_it_is_over() -> None:
    first, second = Lucky(TRUTH, 0.9, name="first"), Lucky(TRUTH, 0.1, name="second")
    run(Chooser([first, second], window=4), TRUTH, requests=2)
    assert first.seen == second.seen == TRUTH[1:]
    assert first.ends == second.ends == 2


def test_the_report_counts_what_was_sent() -> None:
    chooser = Chooser([Lucky(TRUTH, 1.0)], window=4, force=True)
    list(chooser.begin(SOURCE))
    draft = chooser.propose(TRUTH[:1], 4)
    chooser.observe(judge_greedy(draft, lambda _, path: TRUTH[1 + len(path)]), 0.03)
    report = chooser.report()
    assert (report.passes, report.output, report.drafted, report.accepted) == (1, 5, 4, 4)
    assert report.verify_ms == pytest.approx(30)
    assert report.draft_ms > 0
    chooser.end()
    assert chooser.report().passes == 0


def test_an_end_without_a_beginning_is_nothing() -> None:
    chooser = Chooser([lucky := Lucky(TRUTH, 1.0)], window=4)
    chooser.end()
    assert lucky.ends == 0
    assert not chooser.propose([1], 4).tokens
