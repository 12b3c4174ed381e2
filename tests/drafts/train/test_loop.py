"""The law of the loop: stopped at any step and resumed equals not stopped, bit for bit."""

import copy
import itertools

import numpy as np
import pytest
import torch

from drafts.train.batches import Batch
from drafts.train.loop import Pace, Trainer, steps
from drafts.train.progress import never
from drafts.train.scaled import Size, random_model, read_config, scaled

PACE = Pace(steps=5, rate=1e-2, exits_a_step=2)
EXITS = (1, 2, 3)


class Counting:
    """Batches of words that follow each other; remembers which steps were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def at(self, step: int) -> Batch:
        self.asked.append(step)
        starts = np.random.default_rng(step).integers(0, 40, (2, 1))
        words = (starts + np.arange(13)) % 50
        return Batch(words[:, :-1], words[:, 1:])


@pytest.fixture
def trainer(tiny_model_dir) -> Trainer:
    return make(tiny_model_dir)


def make(directory) -> Trainer:
    config = scaled(read_config(directory), Size(3, 32, 16), 50)
    return Trainer(random_model(config, 0), EXITS, PACE, seed=4)


def run(trainer: Trainer, until: int) -> list[float]:
    return list(steps(trainer, Counting(), until, stopped=never))


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [each.detach().clone() for each in trainer.model.parameters()]


@pytest.mark.parametrize("at", range(PACE.steps + 1))
def test_stopped_and_resumed_equals_not_stopped(tiny_model_dir, at: int) -> None:
    whole = make(tiny_model_dir)
    lost = run(whole, PACE.steps)
    first = make(tiny_model_dir)
    before = run(first, at)
    state = copy.deepcopy(first.state())
    run(first, PACE.steps)  # whoever goes on must not change what was kept
    second = make(tiny_model_dir)
    second.restore(state)
    assert second.step == at
    assert before + run(second, PACE.steps) == lost
    assert all(map(torch.equal, weights(second), weights(whole)))


def test_the_loss_falls(trainer: Trainer) -> None:
    lost = run(trainer, 25)
    assert lost[-1] < lost[0] - 1


def test_it_stops_between_steps(trainer: Trainer) -> None:
    batches = Counting()
    seen = list(steps(trainer, batches, 8, stopped=lambda: trainer.step == 3))
    assert (len(seen), trainer.step) == (3, 3)
    assert batches.asked == [0, 1, 2, 3]  # one ahead


def test_nothing_is_made_ahead_of_the_end(trainer: Trainer) -> None:
    batches = Counting()
    assert len(list(steps(trainer, batches, 2, stopped=never))) == 2
    assert batches.asked == [0, 1]


def test_the_rate_rises_and_falls() -> None:
    pace = Pace(steps=100, rate=1.0, warm_up=0.1)
    rates = [pace.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert all(earlier >= later for earlier, later in itertools.pairwise(rates[10:]))
    assert rates[100] == pytest.approx(0.1)


def test_norms_do_not_decay(trainer: Trainer) -> None:
    decayed, kept = trainer._optimizer.param_groups
    assert {each.ndim for each in kept["params"]} == {1}
    assert min(each.ndim for each in decayed["params"]) == 2
    assert kept["weight_decay"] == 0 < decayed["weight_decay"]


def test_another_models_state_is_refused(trainer: Trainer, tiny_model_dir) -> None:
    other = Trainer(
        random_model(scaled(read_config(tiny_model_dir), Size(3, 48, 16), 50), 0), EXITS, PACE, seed=4
    )
    with pytest.raises(RuntimeError):
        trainer.restore(other.state())
