"""Weights kept in 8 bits, multiplied in integers.

A weight row is stored as int8 with one scale. An activation row is split into two 8-bit planes,
``x = s·q1 + (s/254)·q2 + rest`` with ``|rest| <= s/508``, about 16 bits, and both planes are
multiplied in one integer product. Sums of integers are exact, so the result of a row does not
depend on how many rows are multiplied with it: encoding a prompt in chunks, in one piece or token
by token gives the same numbers. The product is bound by reading the weights, so the second plane
costs little for few rows.

oneDNN multiplies unsigned activations by weights packed in its own order: both planes are shifted
by 128, which it takes away again.
"""

from typing import Any, cast

import torch
from torch import nn

from completion.siblings import join_siblings

_PLANE = torch.tensor(127.0)
_FINE = torch.tensor(254.0)
"""Tensors, because a number of Python's takes longer to hand over than the sum it is in."""

_SHIFT = 128
_ROUNDED = torch.tensor(_SHIFT + 0.5)
"""Conversion to integers cuts off what is behind the point: with half a step more it rounds."""

_ROUNDED_FINE = _ROUNDED - _FINE / 2
_LEAST = torch.tensor(1e-30)
_LEAST_ROWS = 4
"""Rows the product is asked for at least: it reads the weights quicker for four than for two
(0.5B's head: 5.0 against 6.5 ms)."""


class Int8Linear(nn.Module):
    """``y = x Wᵀ + b`` for float32 ``x`` with ``W`` in 8 bits, one scale per output row."""

    scale: torch.Tensor
    """What a step of a coarse plane, whose row is at most 1, is worth: ``[out]``."""

    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Quantise ``weight`` ``[out, in]`` of any floating type; ``bias`` is ``[out]``."""
        super().__init__()
        rounded, scale = quantize_rows(weight)
        self._in = weight.shape[1]
        self._product = IntegerProduct(rounded)
        self.register_buffer("scale", scale / _PLANE)
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` is float32 ``[..., in]``; returns float32 ``[..., out]``."""
        rows = x.reshape(-1, self._in)
        count = rows.shape[0]
        largest = torch.maximum(rows.abs().amax(dim=1, keepdim=True), _LEAST)
        product = self._product(_planes(rows, torch.div(_PLANE, largest)))
        coarse, fine = product[:count], product[count : 2 * count]
        out = torch.addcdiv(coarse, fine, _FINE).mul_(largest)
        out = out.mul_(self.scale) if self.bias is None else torch.addcmul(self.bias, out, self.scale)
        return out.view(*x.shape[:-1], -1)


class IntegerProduct:
    """The product of 8-bit rows with a fixed matrix, exact."""

    def __init__(self, weight: torch.Tensor) -> None:
        """``weight`` is int8 ``[out, in]``; a packed copy of it is kept."""
        self._packed = torch.ops.onednn.qlinear_prepack(weight, None)
        self._ones = torch.ones(weight.shape[0])
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int64)

    def __call__(self, shifted: torch.Tensor) -> torch.Tensor:
        """``shifted`` is uint8 ``[rows, in]``, 128 added to each; returns float32 ``[rows, out]``."""
        multiply: Any = torch.ops.onednn.qlinear_pointwise
        return multiply(
            shifted,
            1.0,
            _SHIFT,
            self._packed,
            self._ones,
            self._zeros,
            None,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )


def _planes(rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """The coarse planes of all rows, then the fine ones: uint8, 128 added to each.

    ``rows`` times ``scale`` is within ±127.
    """
    count, width = rows.shape
    planes = torch.empty((max(2 * count, _LEAST_ROWS), width), dtype=torch.uint8)
    shifted = torch.addcmul(_ROUNDED, rows, scale)
    planes[:count].copy_(shifted)
    # What is cut off is within [0, 1): half a step above the difference to the coarse plane.
    planes[count : 2 * count].copy_(torch.addcmul(_ROUNDED_FINE, shifted.frac_(), _FINE))
    return planes


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
        scale[start : start + block] = torch.maximum(part.abs().amax(dim=1), _LEAST) / _PLANE
        rounded[start : start + block] = (part / scale[start : start + block, None]).round_().to(torch.int8)
    return rounded, scale


def quantize_model(model: nn.Module) -> None:
    """Replace every linear layer and embedding in place; all else becomes float32.

    A head that shares the embedding's weights is quantised; the embedding keeps 16 bits. Layers
    that read the same activations are joined: see :mod:`completion.siblings`.
    """
    join_siblings(model, Int8Linear)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, Int8Linear(child.weight, cast("torch.Tensor | None", child.bias)))
            elif isinstance(child, nn.Embedding):
                setattr(module, name, HalfEmbedding(child.weight))
    for parameter in model.parameters():
        parameter.data = parameter.data.float()


def int8_is_fast() -> bool:
    """Whether this processor multiplies 8-bit integers in hardware (AVX-512 VNNI or newer), and torch can."""
    supported = getattr(torch.cpu, "_is_vnni_supported", None)
    return torch.backends.mkldnn.is_available() and supported is not None and supported() and _multiplies()


def _multiplies() -> bool:
    """Whether torch's product of packed integers is there and right."""
    weight = torch.arange(-32, 32, dtype=torch.int8).reshape(4, 16)
    rows = torch.arange(0, 64, dtype=torch.uint8).reshape(4, 16)
    try:
        product = IntegerProduct(weight)(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(product, (rows.float() - _SHIFT) @ weight.float().t())
