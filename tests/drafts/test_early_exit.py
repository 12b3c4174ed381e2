"""The drafter says what its exit is sure of, token behind token, and stops where it is not."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
import torch

from drafts.draft import Draft, Source, Verdict
from drafts.early_exit import EarlyExit
from kvcache.spans import Role, tagged

PROMPT = tagged([(Role.PREFIX, (1, 2, 3))])


class ScriptedExit:
    """Knows which word follows which, and how sure it is; remembers what it was asked."""

    vocabulary = (10, 20, 30, 40)

    def __init__(self, script: dict[int, tuple[int, float]], held: int) -> None:
        self._script = script
        self.held = held
        self.asked: list[int] = []
        self.open = False

    @contextmanager
    def drafting(self) -> Generator[Callable[[int], torch.Tensor]]:
        self.open = True
        try:
            yield self._guess
        finally:
            self.open = False

    def _guess(self, token: int) -> torch.Tensor:
        assert self.open
        self.asked.append(token)
        word, chance = self._script[token]
        chances = torch.full((len(self.vocabulary),), (1 - chance) / (len(self.vocabulary) - 1))
        chances[word] = chance
        return chances.log()


def drafter(target: ScriptedExit, least: float = 0.5) -> EarlyExit:
    subject = EarlyExit(target, least_chance=least)
    for _ in subject.begin(Source(PROMPT)):
        pass
    return subject


def test_each_guess_is_behind_the_one_before() -> None:
    target = ScriptedExit({7: (1, 0.9), 20: (3, 0.8), 40: (0, 0.7)}, held=3)
    draft = drafter(target).propose([7], 3)
    assert draft == Draft.chain("early_exit", [20, 40, 10], draft.chances)
    assert draft.chances == pytest.approx((0.9, 0.8, 0.7))
    assert target.asked == [7, 20, 40]
    assert not target.open


def test_it_stops_where_it_is_not_sure() -> None:
    target = ScriptedExit({7: (1, 0.9), 20: (3, 0.45)}, held=4)
    draft = drafter(target).propose([9, 7], 5)
    assert draft.tokens == (20,)
    assert target.asked == [7, 20]


def test_it_may_have_nothing_to_say() -> None:
    target = ScriptedExit({7: (1, 0.4)}, held=3)
    assert len(drafter(target).propose([7], 5)) == 0
    assert target.asked == [7]


@pytest.mark.parametrize(("output", "most", "held"), [([], 3, 3), ([7], 0, 3), ([7], 3, 2), ([7], 3, 4)])
def test_without_the_targets_state_it_asks_nothing(output: list[int], most: int, held: int) -> None:
    target = ScriptedExit({7: (1, 0.9)}, held=held)
    assert len(drafter(target).propose(output, most)) == 0
    assert target.asked == []


def test_outside_of_a_request_it_asks_nothing() -> None:
    target = ScriptedExit({7: (1, 0.9)}, held=3)
    subject = drafter(target)
    subject.observe(Verdict(Draft("early_exit"), (), 7))
    subject.end()
    assert len(subject.propose([7], 3)) == 0
    assert len(EarlyExit(target).propose([7], 3)) == 0
    assert target.asked == []


def test_it_ends_where_the_whole_draft_is_not_worth_its_time() -> None:
    target = ScriptedExit({7: (1, 0.9), 20: (3, 0.8), 40: (0, 0.9)}, held=3)
    assert drafter(target).guess([7], 5, 0.7).tokens == (20, 40)
    assert target.asked == [7, 20, 40]


def test_what_ends_a_completion_is_never_drafted() -> None:
    target = ScriptedExit({7: (1, 0.9), 20: (3, 0.8)}, held=3)
    subject = EarlyExit(target, stop_ids=frozenset({40}))
    for _ in subject.begin(Source(PROMPT)):
        pass
    assert subject.propose([7], 5).tokens == (20,)
    assert subject.pending_s(Source(PROMPT)) == 0.0
    assert subject.token_s > 0.0
    subject.forget("doc")
