"""Models of real shapes with random weights, made on the device: nothing is downloaded.

How long a pass takes does not depend on what the weights are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from completion.cuda_graphs import CudaRecorder
from completion.forward import Forward
from completion.graphs import GraphPass, Recorder
from completion.passes import TransformersPass
from kvcache.config import CacheShape
from kvcache.hf import ATTENTION, cache_shape, register_attention
from kvcache.pool import CachePool
from kvcache.rotary import Rotary, rotary_of
from kvcache.store import KVStore, rounded_capacity

_CACHE_BYTES = 6 << 30


@dataclass(frozen=True)
class Size:
    """The shape of a Qwen2 model. ``tied``: the output head is the embedding."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool
    positions: int = 32_768

    @property
    def weights(self) -> int:
        """Weights there are, about: what the layers' matrices and the embeddings hold."""
        head = self.hidden // self.heads
        attention = 2 * self.hidden * (self.hidden + self.kv_heads * head)
        layer = attention + 3 * self.hidden * self.intermediate
        return self.layers * layer + (1 if self.tied else 2) * self.vocabulary * self.hidden


SIZES: Sequence[Size] = (
    Size("0.5B", 896, 4_864, 24, 14, 2, 151_936, tied=True),
    Size("1.5B", 1_536, 8_960, 28, 12, 2, 151_936, tied=True),
    Size("7B", 3_584, 18_944, 28, 28, 4, 152_064, tied=False),
)
"""Of Qwen2.5-Coder."""


@dataclass(frozen=True)
class Subject:
    """One model, computing plainly and with recorded passes."""

    size: Size
    model: Any
    shape: CacheShape
    rotary: Rotary
    device: torch.device
    dtype: torch.dtype
    recorder: Recorder

    @cached_property
    def passes(self) -> GraphPass:
        return GraphPass(TransformersPass(self.model), self.recorder)

    @cached_property
    def recorded(self) -> Forward:
        return Forward(self.passes, self.shape, dtype=self.dtype, device=self.device)

    @cached_property
    def plain(self) -> Forward:
        return Forward(TransformersPass(self.model), self.shape, dtype=self.dtype, device=self.device)

    @property
    def bytes_read(self) -> int:
        """Bytes of weights that a pass of one row reads: an embedding that is no head gives it one row."""
        held = sum(weight.nbytes for weight in self.model.parameters())
        return held if self.size.tied else held - self.model.get_input_embeddings().weight.nbytes

    def store(self, tokens: Sequence[int], room: int = 128) -> KVStore:
        """A store that holds ``tokens``."""
        store = KVStore(
            self.shape,
            rounded_capacity(len(tokens) + room),
            dtype=self.dtype,
            device=self.device,
            rotary=self.rotary,
        )
        for start in range(0, len(tokens), 512):
            self.plain.encode(store, tokens[start : start + 512])
        return store

    def pool(self) -> CachePool:
        return CachePool(self.shape, _CACHE_BYTES, dtype=self.dtype, device=self.device, rotary=self.rotary)


def make_subject(
    size: Size, device: torch.device, *, dtype: torch.dtype = torch.bfloat16, recorder: Recorder | None = None
) -> Subject:
    """A model of ``size`` on ``device``; its passes are CUDA graphs unless ``recorder`` says otherwise."""
    register_attention()
    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM  # partly untyped
    with device:
        model = auto.from_config(_config(size), dtype=dtype, attn_implementation=ATTENTION)
    model = model.to(device).eval().requires_grad_(False)
    shape = cache_shape(model.config, dtype.itemsize)
    rotary = rotary_of(model, shape.head_dim, size.positions)
    recorder = recorder or CudaRecorder(device)
    return Subject(size, model, replace(shape, movable=True), rotary, device, dtype, recorder)


def _config(size: Size) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=size.vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.intermediate,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        max_position_embeddings=size.positions,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=size.tied,
        bos_token_id=None,
        eos_token_id=None,
    )
