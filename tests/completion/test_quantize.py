"""Models of other kinds than the kernels' own: 8-bit layers in transformers' code."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GraniteConfig,
    Phi3Config,
    PretrainedConfig,
    Starcoder2Config,
)

from completion.cpu.linear import KernelLinear
from completion.cpu.skeleton import misfit
from completion.quantize import HalfEmbedding, quantize_model
from tests.completion.cpu.models import SIZES

KINDS: dict[str, PretrainedConfig] = {
    "starcoder2": Starcoder2Config(**SIZES, sliding_window=None),
    "gemma": GemmaConfig(**SIZES, head_dim=16),
    "phi3": Phi3Config(**SIZES),
    "granite": GraniteConfig(**SIZES, embedding_multiplier=12.0, logits_scaling=8.0),
}


def model_of(config: PretrainedConfig) -> Any:
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM
    return auto.from_config(config, attn_implementation="eager").eval().requires_grad_(False)


def logits_of(model: Any, *ids: int) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([ids]), use_cache=False).logits[0]


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_other_kinds_are_close_to_float32(kind: str) -> None:
    assert misfit(KINDS[kind])
    model = model_of(KINDS[kind])
    expected = logits_of(model, 5, 90, 17, 17)
    model = model.half()
    quantize_model(model, threads=2)
    found = logits_of(model, 5, 90, 17, 17)
    assert found.dtype == torch.float32
    assert 0 < (found - expected).std() / expected.std() < 0.05
    assert not [name for name, module in model.named_modules() if type(module) is nn.Linear]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_a_layer_does_not_depend_on_its_company(kind: str) -> None:
    """What the layers in between do is torch's; the products are the kernels'."""
    model = model_of(KINDS[kind])
    quantize_model(model, threads=2)
    layers = [module for module in model.modules() if isinstance(module, KernelLinear)]
    assert len(layers) >= 3 * KINDS[kind].num_hidden_layers + 1
    for layer in layers:
        x = torch.randn(20, layer.inputs)
        assert torch.equal(layer(x), torch.cat([layer(row[None]) for row in x]))


def test_a_model_is_replaced_in_place() -> None:
    model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4), nn.LayerNorm(4)).half()
    plain = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 4), nn.LayerNorm(4))
    plain.load_state_dict(model.state_dict())
    ids = torch.tensor([1, 7])
    expected = plain(ids)
    quantize_model(model, threads=1)
    assert isinstance(model[0], HalfEmbedding)
    assert isinstance(model[1], KernelLinear)
    assert model(ids).dtype == torch.float32
    assert torch.allclose(model(ids), expected, atol=0.05)


def test_an_embedding_that_does_more_stays() -> None:
    """Gemma's multiplies what it finds."""

    class Scaled(nn.Embedding):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 # torch's name
            return super().forward(input) * 3

    model = nn.Sequential(Scaled(10, 8)).half()
    expected = model(torch.tensor([1, 7])).float()
    quantize_model(model, threads=1)
    assert torch.allclose(model(torch.tensor([1, 7])), expected, rtol=1e-3)


def test_an_embedding_keeps_16_bits() -> None:
    weight = torch.randn(10, 8).half()
    embedding = HalfEmbedding(weight)
    assert embedding.weight.dtype == torch.float16
    assert embedding.weight.data_ptr() != weight.data_ptr()
    assert torch.equal(embedding(torch.tensor([[3]])), weight[3].float().view(1, 1, 8))
