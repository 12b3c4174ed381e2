"""Weights in panels stand for what they were made from."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from completion.cpu.integers import BLOCK_BYTES, GROUP, PANEL, SCALE_BYTES
from completion.cpu.layers import Matrix
from completion.cpu.weights import pack_linear, pack_model, pack_rows, padded_to, unpack_rows
from completion.errors import UnsupportedModel
from tests.completion.cpu.unpacking import unpacked


@pytest.mark.parametrize(("rows", "width"), [(64, 32), (1, 4), (150, 100), (65, 33)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_group_loses_half_a_step_at_most(rows: int, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(rows)
    weight = torch.randn(rows, width).to(dtype)
    panels = pack_rows(weight, block=64)  # several blocks of rows
    assert panels.shape == (padded_to(rows, PANEL) // PANEL, padded_to(width, GROUP) // GROUP, BLOCK_BYTES)
    full = torch.zeros(rows, padded_to(width, GROUP))
    full[:, :width] = weight.float()
    largest = full.view(rows, -1, GROUP).abs().amax(dim=-1).repeat_interleave(GROUP, dim=1)[:, :width]
    assert ((unpacked(weight) - weight.float()).abs() <= largest / 250).all()


def test_four_bits_lose_half_a_step_at_most() -> None:
    torch.manual_seed(0)
    weight = torch.randn(70, 64)
    groups = weight.view(70, -1, GROUP)
    span = (groups.amax(dim=-1).clamp_min(0) - groups.amin(dim=-1).clamp_max(0)).repeat_interleave(
        GROUP, dim=1
    )
    assert ((unpacked(weight, 4) - weight).abs() <= span / 14).all()
    assert (unpacked(weight, 4) - weight).std() < 0.09 * weight.std()
    assert torch.equal(unpacked(torch.zeros(64, 32), 4), torch.zeros(64, 32))


def test_no_scale_or_offset_has_a_sign() -> None:
    """The kernels read float16 without one: minus nothing would be a large number."""
    weight = torch.randn(64, 32).abs()
    weight[:8] = -weight[:8]
    weight[8:12] = -0.0
    for bits, many in ((8, 1), (4, 2)):
        bytes_of = pack_rows(weight, bits)[..., : many * SCALE_BYTES].contiguous()
        assert (bytes_of.view(torch.int16) >= 0).all()


def test_what_had_sixteen_steps_keeps_them() -> None:
    """Weights as Q4_K stores them lose nothing, also where a group does not use all of its steps."""
    torch.manual_seed(0)
    steps, offsets = torch.rand(64, 1).half().float(), torch.rand(64, 1).half().float()
    codes = torch.randint(0, 16, (64, GROUP)).float()
    codes[:32].clamp_(0, 11)
    codes[:, 0] = 0
    weight = codes * steps * 0.25 - offsets
    assert torch.allclose(unpacked(weight, 4), weight, atol=2e-3)


def test_zeros_and_tiny_weights_stay_finite() -> None:
    weight = torch.zeros(64, 64)
    weight[1] = 1e-9
    assert torch.isfinite(unpacked(weight)).all()
    assert not unpacked(weight)[0].any()


def test_a_model_is_packed_layer_by_layer() -> None:
    config = Qwen2Config(
        hidden_size=48, intermediate_size=70, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=100, tie_word_embeddings=True, pad_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    weights = pack_model(model)
    assert weights.head is weights.embedding
    assert weights.qkv.panels.shape[0] == weights.attention_norm.shape[0] == 2
    assert (weights.qkv.width, weights.down.width) == (48, 70)
    attention = model.model.layers[1].self_attn
    biases = torch.cat([part.bias for part in (attention.q_proj, attention.k_proj, attention.v_proj)])
    assert torch.equal(torch.from_numpy(weights.qkv.bias[1, : len(biases)]), biases.detach())
    assert weights.gate_up.bias.shape[1] == 2 * padded_to(70, PANEL)
    gate = pack_rows(model.model.layers[0].mlp.gate_proj.weight.detach())
    woven = torch.from_numpy(weights.gate_up.panels[0]).view(4, *gate.shape[1:])
    assert torch.equal(woven[::2], gate)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e8])
def test_what_eight_bits_cannot_hold_is_refused(value: float) -> None:
    """The kernels would read a number of it."""
    weight = torch.randn(70, 40)
    weight[69, 39] = value
    with pytest.raises(UnsupportedModel, match="no numbers, or too large"):
        pack_rows(weight)


@pytest.mark.parametrize("size", [1e-3, 1e-5, 1e-6, 1e-7])
def test_tiny_weights_lose_no_more_than_the_smallest_step(size: float) -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 64) * size
    assert float((unpacked(weight) - weight).abs().max()) < max(size * 5 / 250, 127 * 2**-25)


@pytest.mark.parametrize("bits", [8, 4])
def test_rows_are_unpacked_as_they_were_packed(bits: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(150, 100)
    panels = pack_rows(weight, bits)
    matrix = Matrix(
        panels.view(1, -1).numpy(), panels.new_zeros(1, 192).float().numpy(), 4, 100, panels.shape[2]
    )
    rows = torch.tensor([149, 0, 63, 64, 64])
    assert torch.equal(unpack_rows(matrix, 0, rows), unpacked(weight, bits)[rows])


def test_packing_what_was_unpacked_changes_nothing() -> None:
    torch.manual_seed(0)
    linear = pack_linear(torch.randn(70, 100), torch.arange(70.0))
    again = pack_linear(unpack_rows(linear, 0, torch.arange(70)), torch.arange(70.0))
    assert (linear.panels == again.panels).all()
    assert (linear.bias == again.bias).all()
    assert linear.bias[0, 69] == 69
