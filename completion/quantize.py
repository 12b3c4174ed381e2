"""Weights kept in 8 bits, multiplied in integers.

A weight row is stored as int8 with one scale. An activation row is split into two int8
planes, ``x = s·q1 + (s/254)·q2 + rest`` with ``|rest| <= s/508``, about 16 bits, and both
planes are multiplied in one integer product. Sums of integers are exact, so the result of a
row does not depend on how many rows are multiplied with it: encoding a prompt in chunks,
in one piece or token by token gives the same numbers. The product is bound by reading the
weights, so the second plane costs little for few rows.
"""

from typing import cast

import torch
from torch import nn

_PLANE = 127.0
_FINE = 254.0
_ROUND = 1.5 * 2**23
"""Adding and taking away this rounds a small float32 to an integer, half to even. torch's own
``round`` goes through a threaded library, whose threads wait for each other on a busy machine."""


class Int8Linear(nn.Module):
    """``y = x Wᵀ + b`` for float32 ``x`` with ``W`` in 8 bits, one scale per output row."""

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Quantise ``weight`` ``[out, in]`` of any floating type; ``bias`` is ``[out]``."""
        super().__init__()
        rounded, scale = quantize_rows(weight)
        self.register_buffer("weight", rounded)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` is float32 ``[..., in]``; returns float32 ``[..., out]``."""
        rows = x.reshape(-1, x.shape[-1])
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_min_(1e-30).div_(_PLANE)
        scaled = rows / scale
        coarse = scaled.add(_ROUND).sub_(_ROUND)
        fine = scaled.sub_(coarse).mul_(_FINE).add_(_ROUND).sub_(_ROUND)
        planes = torch.cat([coarse, fine]).to(torch.int8)
        product = torch.ops.aten._int_mm(planes, self.weight.t()).float()  # noqa: SLF001 # its only name
        count = rows.shape[0]
        out = product[count:].div_(_FINE).add_(product[:count]).mul_(scale).mul_(self.scale)
        if self.bias is not None:
            out += self.bias
        return out.view(*x.shape[:-1], -1)

    def dequantized(self) -> torch.Tensor:
        """The weights this layer stands for, float32 ``[out, in]``."""
        return self.weight.float() * self.scale[:, None]


class HalfEmbedding(nn.Module):
    """An embedding kept in 16 bits that answers in float32."""

    weight: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        """``weight`` is ``[vocabulary, hidden]``; copied, so that the mapped file can go."""
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """``ids`` is integer ``[...]``; returns float32 ``[..., hidden]``."""
        return nn.functional.embedding(ids, self.weight).float()


def quantize_rows(weight: torch.Tensor, block: int = 8192) -> tuple[torch.Tensor, torch.Tensor]:
    """Round each row to int8 with its own scale: ``(int8 [out, in], float32 [out])``.

    Works block by block, so the float32 copy stays small.
    """
    rounded = torch.empty(weight.shape, dtype=torch.int8)
    scale = torch.empty(weight.shape[0], dtype=torch.float32)
    for start in range(0, weight.shape[0], block):
        part = weight[start : start + block].detach().float()
        scale[start : start + block] = part.abs().amax(dim=1).clamp_min_(1e-30) / _PLANE
        rounded[start : start + block] = (part / scale[start : start + block, None]).round_().to(torch.int8)
    return rounded, scale


def quantize_model(model: nn.Module) -> None:
    """Replace every linear layer and embedding in place; all else becomes float32.

    A head that shares the embedding's weights is quantised; the embedding keeps 16 bits.
    """
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, Int8Linear(child.weight, cast("torch.Tensor | None", child.bias)))
            elif isinstance(child, nn.Embedding):
                setattr(module, name, HalfEmbedding(child.weight))
    for parameter in model.parameters():
        parameter.data = parameter.data.float()


def int8_is_fast() -> bool:
    """Whether this processor multiplies 8-bit integers in hardware (AVX-512 VNNI or newer)."""
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    return torch.backends.mkldnn.is_available() and supported is not None and supported()
