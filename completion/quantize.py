"""Puts 8-bit weights into a model that runs in transformers' own code."""

from functools import partial

import torch
from torch import nn

from completion.cpu.linear import KernelLinear, Multiplier
from completion.siblings import join_siblings


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


def quantize_model(model: nn.Module, *, threads: int) -> None:
    """Replace every linear layer and embedding in place; all else becomes float32.

    A head that shares the embedding's weights is quantised; the embedding keeps 16 bits. Layers
    that read the same activations are joined: see :mod:`completion.siblings`. What is derived from a
    linear layer or an embedding may do more than these, and stays. ``threads`` compute each product
    together. Raises UnsupportedModel for weights that are no numbers, or beyond float16.
    """
    make = partial(KernelLinear, multiply=Multiplier(threads))
    join_siblings(model, make)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, make(child.weight, child.bias))
            elif type(child) is nn.Embedding:
                setattr(module, name, HalfEmbedding(child.weight))
    for parameter in model.parameters():
        parameter.data = parameter.data.float()
