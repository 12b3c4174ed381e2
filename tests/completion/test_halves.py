"""Layers of transformers in two parts are the whole, and their exit is the one that was trained."""

from typing import Any

import pytest
import torch
from transformers import GemmaConfig

from completion.errors import UnsupportedModel
from completion.exits import ExitPass
from completion.halves import HalvedPass
from drafts.errors import UnusableAdapter
from drafts.train.exit_model import ExitModel
from kvcache.hf import ATTENTION, register_attention
from tests.completion.cpu.models import CONFIGS, SIZES, make
from tests.completion.cpu.test_passes import TOKENS, pass_of, store_of, unlike

WORDS = torch.arange(1, 150, 3)


def with_slots(name: str) -> Any:
    register_attention()
    model = make(CONFIGS[name])
    model.set_attn_implementation(ATTENTION)
    return model


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_shallow_then_deep_is_the_whole(name: str, layers: int) -> None:
    model = with_slots(name)
    subject, whole, halves = HalvedPass(model), store_of(model), store_of(model)
    with torch.inference_mode():
        for start, stop in ((0, 20), (20, 21), (21, 25)):
            with whole.appending(TOKENS[start:stop]) as rows:
                wanted = subject.every_logits(whole, rows)
            with halves.appending(TOKENS[start:stop]) as rows:
                found = subject.deep(halves, rows, subject.shallow(halves, rows, layers), layers)
            assert torch.equal(found, wanted)
    assert all(torch.equal(*pair) for pair in zip(whole.read(), halves.read(), strict=True))


@pytest.mark.parametrize("name", CONFIGS)
def test_its_exit_is_what_was_trained(name: str) -> None:
    torch.manual_seed(1)
    model = with_slots(name)
    trained = ExitModel(pass_of(model).frozen(1, name="t", words=WORDS))
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    subject, store = HalvedPass(model), store_of(model)
    head = subject.exit(trained.adapter())
    found: list[torch.Tensor] = []
    hidden: list[torch.Tensor] = []
    with torch.inference_mode():
        for start, stop in ((0, 20), (20, 21), (21, 25)):
            with store.appending(TOKENS[start:stop]) as rows:
                hidden.append(subject.shallow(store, rows, 1))
                found.append(head.deep(store, rows, hidden[-1], 0))
        wanted = trained(torch.cat(hidden)[None])[0]
    assert unlike(torch.cat(found), wanted) < 2e-2


def test_a_pass_drafts_with_it() -> None:
    model = with_slots("qwen2")
    subject, store = HalvedPass(model), store_of(model)
    adapter = ExitModel(pass_of(model).frozen(2, name="t", words=WORDS)).adapter()
    exits = ExitPass(subject, adapter)
    with torch.inference_mode():
        with store.appending(TOKENS[:20]) as rows:
            subject.encode(store, rows)
        exits.follow(store)
        with exits.drafting() as guess:
            assert guess(7).shape == (len(WORDS),)
        with store.appending([7]) as rows:
            found = exits.last_logits(store, rows)
        store.truncate(20)
        with store.appending([7]) as rows:
            assert torch.equal(found, subject.last_logits(store, rows))


def test_what_does_not_fit_is_refused() -> None:
    model = with_slots("qwen2")
    adapter = ExitModel(pass_of(model).frozen(2, name="t", words=WORDS)).adapter()
    with pytest.raises(UnusableAdapter, match="width"):
        HalvedPass(with_slots("llama without groups")).exit(adapter)
    with pytest.raises(UnsupportedModel, match="gemma"):
        HalvedPass(make(GemmaConfig(**SIZES, head_dim=16)))
