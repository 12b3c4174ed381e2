"""An early exit of a model in the kernels: its adapter and its small head, packed as any other layer."""

from typing import Any

import numpy as np
import torch

from completion.cpu.layers import Matrix, Sizes, Weights
from completion.cpu.weights import pack_linear, unpack_rows
from drafts.adapter import Adapter
from drafts.train.exit_model import Frozen


def exit_weights(target: Weights, sizes: Sizes, adapter: Adapter) -> Weights:
    """A model of one layer, without an MLP, that goes on where the target's first layers end.

    Its keys and values are those of the target's next layer, to the bit where that has 8 bits a weight.
    The adapter must fit: see :meth:`Adapter.require`.
    """
    layer, inner = adapter.layers, sizes.heads * sizes.dim
    beyond = torch.arange(inner, inner + 2 * sizes.kv_heads * sizes.dim)
    weight = torch.cat([adapter.query, unpack_rows(target.qkv, layer, beyond)])
    bias = torch.cat([adapter.query_bias, torch.tensor(target.qkv.bias[layer])[beyond]])
    head = unpack_rows(target.head, 0, adapter.vocabulary) @ adapter.turn
    return Weights(
        embedding=target.embedding,
        attention_norm=target.attention_norm[layer : layer + 1],
        qkv=pack_linear(weight, bias),
        out=pack_linear(adapter.out),
        mlp_norm=np.empty((0, len(adapter.turn)), np.float32),
        gate_up=_none(),
        down=_none(),
        last_norm=np.ones((1, len(adapter.turn)), np.float32),
        head=pack_linear(head),
    )


def _none() -> Matrix:
    """A matrix without a layer."""
    return Matrix(np.empty((0, 0), np.uint8), np.empty((0, 0), np.float32), 0, 0)


def frozen_parts(target: Weights, sizes: Sizes, start: Adapter, *, angles: tuple[Any, Any]) -> Frozen:
    """What the training of an adapter uses of the target, unpacked. ``angles`` are cosines and sines."""
    layer, inner = start.layers, sizes.heads * sizes.dim
    beyond = torch.arange(inner, inner + 2 * sizes.kv_heads * sizes.dim)
    cosines, sines = (torch.tensor(part) for part in angles)
    return Frozen(
        start=start,
        heads=sizes.heads,
        kv_heads=sizes.kv_heads,
        epsilon=sizes.epsilon,
        norm=torch.tensor(target.attention_norm[layer]),
        key_value=unpack_rows(target.qkv, layer, beyond),
        key_value_bias=torch.tensor(target.qkv.bias[layer])[beyond],
        last_norm=torch.tensor(target.last_norm[0]),
        head=unpack_rows(target.head, 0, start.vocabulary),
        cosines=cosines,
        sines=sines,
    )


def first_adapter(target: Weights, sizes: Sizes, layers: int, *, name: str, words: torch.Tensor) -> Adapter:
    """An adapter before any training: the attention of the layer behind the exit, and the target's last norm.

    ``words``, int64, are the ids it may guess, ascending.
    """
    hidden, inner = target.attention_norm.shape[1], sizes.heads * sizes.dim
    return Adapter(
        target=name,
        layers=layers,
        query=unpack_rows(target.qkv, layers, torch.arange(inner)),
        query_bias=torch.tensor(target.qkv.bias[layers])[:inner],
        out=unpack_rows(target.out, layers, torch.arange(hidden)),
        turn=torch.tensor(target.last_norm[0]).diag(),
        vocabulary=words,
    )
