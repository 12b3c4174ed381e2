"""Puts a model's weights into the order that the kernels read."""

from collections.abc import Sequence
from typing import Any, cast

import torch

from completion.cpu.integers import BLOCK4_BYTES, BLOCK_BYTES, GROUP, PANEL, SCALE_BYTES
from completion.cpu.layers import Matrix, Weights
from completion.errors import UnsupportedModel


def pack_model(model: Any, bits: int = 8) -> Weights:
    """All weights of a transformers model of :data:`completion.cpu.skeleton.KINDS`.

    The layers in ``bits`` (8 or 4); the embedding and the head, which decide between words, always in 8.
    """
    layers = list(model.model.layers)
    embedding = _matrix([[model.get_input_embeddings()]])
    head = model.get_output_embeddings()
    tied = head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    attentions, mlps = [layer.self_attn for layer in layers], [layer.mlp for layer in layers]
    return Weights(
        embedding=embedding,
        attention_norm=_norms([layer.input_layernorm for layer in layers]),
        qkv=_matrix([[a.q_proj, a.k_proj, a.v_proj] for a in attentions], bits),
        out=_matrix([[a.o_proj] for a in attentions], bits),
        mlp_norm=_norms([layer.post_attention_layernorm for layer in layers]),
        gate_up=_woven([[m.gate_proj, m.up_proj] for m in mlps], bits),
        down=_matrix([[m.down_proj] for m in mlps], bits),
        last_norm=_norms([model.model.norm]),
        head=embedding if tied else _matrix([[head]]),
    )


def pack_rows(weight: torch.Tensor, bits: int = 8, *, block: int = 4096) -> torch.Tensor:
    """A weight ``[out, in]`` of any floating type as panels: uint8 ``[panels, groups, bytes of a block]``.

    A group of 32 inputs is rounded to 8 bits with a float16 scale, the largest to ±127; or to 4 bits
    with a scale and an offset. Outputs and inputs are filled up with zeros. Raises UnsupportedModel
    for what is no number, or beyond float16.
    """
    rows, width = weight.shape
    groups = padded_to(width, GROUP) // GROUP
    pack, size = (_pack4, BLOCK4_BYTES) if bits == 4 else (_pack8, BLOCK_BYTES)
    out = torch.empty(padded_to(rows, PANEL) // PANEL, groups, size, dtype=torch.uint8)
    for start in range(0, rows, block):
        part = weight[start : start + block].detach().float()
        full = torch.zeros(padded_to(len(part), PANEL), groups * GROUP)
        full[: len(part), :width] = part
        pack(
            full.view(-1, PANEL, groups, GROUP),
            out[start // PANEL : padded_to(start + len(part), PANEL) // PANEL],
        )
    return out


def pack_linear(weight: torch.Tensor, bias: torch.Tensor | None = None) -> Matrix:
    """A linear layer by itself, in 8 bits: ``weight`` ``[out, in]`` of any type, ``bias`` ``[out]``."""
    panels = pack_rows(weight)
    full = torch.zeros(1, len(panels) * PANEL, dtype=torch.float32)
    if bias is not None:
        full[0, : len(bias)] = bias.detach()
    return Matrix(panels.view(1, -1).numpy(), full.numpy(), panels.shape[1], weight.shape[1])


def unpack_rows(matrix: Matrix, layer: int, rows: torch.Tensor) -> torch.Tensor:
    """What packed weights stand for: outputs ``rows`` (int64 ``[n]``) of a layer, float32 ``[n, in]``."""
    panels: Any = cast("Any", torch).from_numpy(matrix.panels[layer]).view(-1, matrix.groups, matrix.block)
    panel, column = rows // PANEL, rows % PANEL
    scales = panels[..., :SCALE_BYTES].view(torch.float16)[panel, :, column].float()[..., None]
    if matrix.block == BLOCK4_BYTES:
        offsets = panels[..., SCALE_BYTES : 2 * SCALE_BYTES].view(torch.float16)[panel, :, column].float()
        both = panels[..., 2 * SCALE_BYTES :].unflatten(-1, (-1, PANEL, 4))[panel, :, :, column]
        codes = torch.stack([both & 15, both >> 4], dim=3).flatten(2).float()
        values = codes * scales - offsets[..., None]
    else:
        codes = panels[..., SCALE_BYTES:].unflatten(-1, (-1, PANEL, 4))[panel, :, :, column]
        values = codes.flatten(2).float().sub_(128) * scales
    return values.flatten(1)[:, : matrix.width]


def _pack8(values: torch.Tensor, out: torch.Tensor) -> None:
    """``values`` float32 ``[panels, PANEL, groups, GROUP]`` into ``[panels, groups, BLOCK_BYTES]``."""
    scale = (values.abs().amax(dim=-1) / 127).half()
    _require_numbers(scale)
    step = scale.float().clamp_min_(1e-12)
    rounded = (values / step[..., None]).round_().clamp_(-127, 127).add_(128).to(torch.uint8)
    panels, _, groups, _ = values.shape
    out[..., :SCALE_BYTES] = scale.transpose(1, 2).contiguous().view(torch.uint8)
    out[..., SCALE_BYTES:] = (
        rounded.view(panels, PANEL, groups, GROUP // 4, 4).permute(0, 2, 3, 1, 4).flatten(2)
    )


def _pack4(values: torch.Tensor, out: torch.Tensor) -> None:
    """As :func:`_pack8`, in 4 bits: of several scales the one with the least error.

    Weights that were stored with up to 16 steps and an offset, as Q4_K's are, come out as they were.
    """
    low = values.amin(dim=-1).clamp_max_(0)
    offset = (0 - low).half()  # not -0, whose sign the kernels would read as a number
    _require_numbers(offset + values.amax(dim=-1).half())
    moved, span = values + offset.float()[..., None], values.amax(dim=-1) - low
    scale, codes, least = torch.zeros_like(offset), torch.zeros_like(values), torch.full_like(low, torch.inf)
    for steps in range(15, 7, -1):
        tried = (span / steps).half()
        step = tried.float().clamp_min_(1e-12)[..., None]
        rounded = (moved / step).round_().clamp_(0, 15)
        error = (rounded * step - moved).square_().sum(dim=-1)
        better = error < least
        scale, least = torch.where(better, tried, scale), torch.where(better, error, least)
        codes = torch.where(better[..., None], rounded, codes)
    panels, _, groups, _ = values.shape
    quads = codes.to(torch.uint8).view(panels, PANEL, groups, GROUP // 8, 2, 4).permute(0, 2, 3, 4, 1, 5)
    out[..., :SCALE_BYTES] = scale.transpose(1, 2).contiguous().view(torch.uint8)
    out[..., SCALE_BYTES : 2 * SCALE_BYTES] = offset.transpose(1, 2).contiguous().view(torch.uint8)
    out[..., 2 * SCALE_BYTES :] = (quads[:, :, :, 0] | quads[:, :, :, 1] << 4).flatten(2)


def _require_numbers(scale: torch.Tensor) -> None:
    if not bool(scale.isfinite().all()):
        raise UnsupportedModel("The model has weights that are no numbers, or too large for float16.")


def padded_to(count: int, multiple: int) -> int:
    """The next multiple."""
    return -(-count // multiple) * multiple


def _matrix(layers: Sequence[Sequence[Any]], bits: int = 8) -> Matrix:
    """One matrix a layer of the model: of linear layers that read the same input, one above the other."""
    return _stacked([_panelled(group, bits) for group in layers], layers[0][0].weight.shape[1])


def _woven(layers: Sequence[Sequence[Any]], bits: int) -> Matrix:
    """As :func:`_matrix`, but the panels of the linear layers take turns."""
    parts = [[_panelled([linear], bits) for linear in group] for group in layers]
    woven = [[torch.stack(part, dim=1).flatten(0, 1) for part in zip(*group, strict=True)] for group in parts]
    return _stacked(woven, layers[0][0].weight.shape[1])


def _stacked(layers: Sequence[Sequence[torch.Tensor]], width: int) -> Matrix:
    panels, bias = (torch.stack(list(part)) for part in zip(*layers, strict=True))
    return Matrix(panels.flatten(1).numpy(), bias.flatten(1).numpy(), panels.shape[2], width, panels.shape[3])


def _panelled(linears: Sequence[Any], bits: int) -> list[torch.Tensor]:
    """Panels, and bias by panel, of linear layers one above the other."""
    panels = pack_rows(torch.cat([linear.weight.detach() for linear in linears]), bits)
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
