"""Exits share a norm and a head; a model cut off behind an exit is the oracle."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from drafts.errors import BadRecipe
from drafts.train.batches import IGNORED
from drafts.train.exits import check_exits, drawn, exit_states, losses
from drafts.train.scaled import Size, random_model, read_config, scaled

EXITS = (1, 2, 4)


@pytest.fixture(scope="module")
def model(tiny_model_dir):
    return random_model(scaled(read_config(tiny_model_dir), Size(4, 32, 16), 60), 0).eval()


def cut_off(model, layers: int):
    short = copy.deepcopy(model)
    short.model.layers = short.model.layers[:layers]
    short.config.num_hidden_layers = short.model.config.num_hidden_layers = layers
    return short


def test_an_exit_is_the_model_that_ends_there(model) -> None:
    words = torch.randint(60, (2, 9))
    states = exit_states(model, words, EXITS)
    for layers, state in zip(EXITS, states, strict=True):
        assert torch.allclose(model.lm_head(state), cut_off(model, layers)(input_ids=words).logits, atol=1e-5)


def test_the_loss_is_cross_entropy_of_what_is_learnt(model) -> None:
    words, labels = torch.randint(60, (2, 9)), torch.randint(60, (2, 9))
    labels[:, 5:] = IGNORED
    found = losses(model, words, labels, EXITS)
    for layers, loss in zip(EXITS, found, strict=True):
        logits = cut_off(model, layers)(input_ids=words).logits[:, :5].flatten(0, 1)
        assert loss.item() == pytest.approx(
            functional.cross_entropy(logits, labels[:, :5].flatten()).item(), abs=1e-5
        )
    assert [loss.item() for loss in losses(model, words, torch.full_like(labels, IGNORED), EXITS)] == [
        0,
        0,
        0,
    ]


@given(st.integers(1, 5), st.integers(0, 99))
def test_the_last_exit_is_always_drawn(most: int, seed: int) -> None:
    chosen = drawn((1, 2, 3, 4), most, torch.Generator().manual_seed(seed))
    assert len(chosen) == min(most, 4)
    assert chosen[-1] == 4
    assert chosen == sorted(set(chosen))


def test_in_time_every_exit_is_drawn() -> None:
    generator = torch.Generator().manual_seed(0)
    assert {at for _ in range(30) for at in drawn((1, 2, 3, 4), 2, generator)} == {1, 2, 3, 4}


@pytest.mark.parametrize("exits", [(), (0, 4), (1, 5), (1, 3)])
def test_exits_that_are_none_are_refused(exits) -> None:
    assert check_exits((4, 1), 4) == (1, 4)
    with pytest.raises(BadRecipe):
        check_exits(exits, 4)
