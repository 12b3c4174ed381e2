"""Puts a model's weights into the order that the kernels read."""

from collections.abc import Sequence
from typing import Any

import torch

from completion.cpu.integers import BLOCK_BYTES, GROUP, PANEL, SCALE_BYTES
from completion.cpu.layers import Matrix, Weights


def pack_model(model: Any) -> Weights:
    """All weights of a transformers model of :data:`completion.cpu.skeleton.KINDS`, in 8 bits."""
    layers = list(model.model.layers)
    embedding = _matrix([[model.get_input_embeddings()]])
    head = model.get_output_embeddings()
    tied = head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    attentions, mlps = [layer.self_attn for layer in layers], [layer.mlp for layer in layers]
    return Weights(
        embedding=embedding,
        attention_norm=_norms([layer.input_layernorm for layer in layers]),
        qkv=_matrix([[a.q_proj, a.k_proj, a.v_proj] for a in attentions]),
        out=_matrix([[a.o_proj] for a in attentions]),
        mlp_norm=_norms([layer.post_attention_layernorm for layer in layers]),
        gate_up=_woven([[m.gate_proj, m.up_proj] for m in mlps]),
        down=_matrix([[m.down_proj] for m in mlps]),
        last_norm=_norms([model.model.norm]),
        head=embedding if tied else _matrix([[head]]),
    )


def pack_rows(weight: torch.Tensor, block: int = 8192) -> torch.Tensor:
    """A weight ``[out, in]`` of any floating type as panels: uint8 ``[panels, groups, BLOCK_BYTES]``.

    A group of 32 inputs is rounded to 8 bits with a float16 scale, the largest to ±127. Outputs and
    inputs are filled up with zeros.
    """
    rows, width = weight.shape
    groups = padded_to(width, GROUP) // GROUP
    out = torch.empty(padded_to(rows, PANEL) // PANEL, groups, BLOCK_BYTES, dtype=torch.uint8)
    for start in range(0, rows, block):
        part = weight[start : start + block].detach().float()
        full = torch.zeros(padded_to(len(part), PANEL), groups * GROUP)
        full[: len(part), :width] = part
        _pack(
            full.view(-1, PANEL, groups, GROUP),
            out[start // PANEL : padded_to(start + len(part), PANEL) // PANEL],
        )
    return out


def _pack(values: torch.Tensor, out: torch.Tensor) -> None:
    """``values`` float32 ``[panels, PANEL, groups, GROUP]`` into ``[panels, groups, BLOCK_BYTES]``."""
    scale = (values.abs().amax(dim=-1) / 127).half()
    step = scale.float().clamp_min_(1e-12)
    rounded = (values / step[..., None]).round_().clamp_(-127, 127).add_(128).to(torch.uint8)
    panels, _, groups, _ = values.shape
    out[..., :SCALE_BYTES] = scale.transpose(1, 2).contiguous().view(torch.uint8)
    out[..., SCALE_BYTES:] = (
        rounded.view(panels, PANEL, groups, GROUP // 4, 4).permute(0, 2, 3, 1, 4).flatten(2)
    )


def padded_to(count: int, multiple: int) -> int:
    """The next multiple."""
    return -(-count // multiple) * multiple


def _matrix(layers: Sequence[Sequence[Any]]) -> Matrix:
    """One matrix a layer of the model: of linear layers that read the same input, one above the other."""
    return _stacked([_panelled(group) for group in layers], layers[0][0].weight.shape[1])


def _woven(layers: Sequence[Sequence[Any]]) -> Matrix:
    """As :func:`_matrix`, but the panels of the linear layers take turns."""
    parts = [[_panelled([linear]) for linear in group] for group in layers]
    woven = [[torch.stack(part, dim=1).flatten(0, 1) for part in zip(*group, strict=True)] for group in parts]
    return _stacked(woven, layers[0][0].weight.shape[1])


def _stacked(layers: Sequence[Sequence[torch.Tensor]], width: int) -> Matrix:
    panels, bias = (torch.stack(list(part)) for part in zip(*layers, strict=True))
    return Matrix(panels.flatten(1).numpy(), bias.flatten(1).numpy(), panels.shape[2], width)


def _panelled(linears: Sequence[Any]) -> list[torch.Tensor]:
    """Panels, and bias by panel, of linear layers one above the other."""
    panels = pack_rows(torch.cat([linear.weight.detach() for linear in linears]))
    bias = torch.cat([_bias(linear) for linear in linears])
    full = torch.zeros(len(panels), PANEL)
    full.view(-1)[: len(bias)] = bias
    return [panels, full]


def _bias(linear: Any) -> torch.Tensor:
    """The bias float32 ``[out]``, zeros where there is none; an embedding has none either."""
    bias = getattr(linear, "bias", None)
    return torch.zeros(linear.weight.shape[0]) if bias is None else bias.detach().float()


def _norms(norms: Sequence[Any]) -> Any:
    return torch.stack([norm.weight.detach().float() for norm in norms]).numpy()
