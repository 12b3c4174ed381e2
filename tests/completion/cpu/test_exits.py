"""An adapter in the kernels is the adapter that was trained, over the target's own keys and values."""

import pytest
import torch

from completion.cpu.exits import exit_weights
from drafts.errors import UnusableAdapter
from drafts.train.exit_model import ExitModel
from tests.completion.cpu.models import CONFIGS, make
from tests.completion.cpu.test_passes import TOKENS, pass_of, store_of, unlike

WORDS = torch.arange(1, 150, 3)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_what_was_trained(name: str, layers: int) -> None:
    """One implementation in float32 for whole sequences, one in 8 bits for single rows."""
    torch.manual_seed(1)
    model = make(CONFIGS[name])
    subject, store = pass_of(model), store_of(model)
    trained = ExitModel(subject.frozen(layers, name="t", words=WORDS))
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    head = subject.exit(trained.adapter())
    found: list[torch.Tensor] = []
    hidden: list[torch.Tensor] = []
    with torch.inference_mode():
        for token in TOKENS[:40]:
            with store.appending([token]) as rows:
                hidden.append(subject.shallow(store, rows, layers))
                found.append(head.deep(store, rows, hidden[-1], 0))
        wanted = trained(torch.cat(hidden)[None])[0]
    assert torch.cat(found).shape == (40, len(WORDS))
    assert unlike(torch.cat(found), wanted) < 2e-2


@pytest.mark.parametrize("name", CONFIGS)
def test_its_keys_and_values_are_the_targets(name: str) -> None:
    """To the last bit, in the layer behind the exit; the target may read what it wrote."""
    model = make(CONFIGS[name])
    subject, store = pass_of(model), store_of(model)
    adapter = ExitModel(subject.frozen(1, name="t", words=WORDS)).adapter()
    with torch.inference_mode(), store.appending(TOKENS[:20]) as rows:
        hidden = subject.shallow(store, rows, 1)
        subject.exit(adapter).deep(store, rows, hidden, 0)
        written = [arena[1].clone() for arena in store.arenas()]
        subject.deep(store, rows, hidden, 1)
        for own, arena in zip(written, store.arenas(), strict=True):
            assert own.any()
            assert torch.equal(own, arena[1])


def test_it_has_no_weights_twice() -> None:
    subject = pass_of(make(CONFIGS["qwen2"]))
    adapter = ExitModel(subject.frozen(2, name="t", words=WORDS)).adapter()
    weights = exit_weights(subject._weights, subject._sizes, adapter)
    assert weights.embedding is subject._weights.embedding
    assert weights.head.bias.shape == (1, 64)
    assert not weights.mlp_norm.size


@pytest.mark.parametrize("layers", [0, 3, 4])
def test_an_exit_where_there_can_be_none_is_refused(layers: int) -> None:
    with pytest.raises(UnusableAdapter, match=f"layer {layers} of 3"):
        pass_of(make(CONFIGS["qwen2"])).frozen(layers, name="t", words=WORDS)


def test_words_the_target_has_not_are_refused() -> None:
    subject = pass_of(make(CONFIGS["qwen2"]))
    adapter = ExitModel(subject.frozen(1, name="t", words=torch.tensor([5, 149, 150]))).adapter()
    with pytest.raises(UnusableAdapter, match="150"):
        subject.exit(adapter)
