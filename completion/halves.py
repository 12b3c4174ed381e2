"""Passes of transformers' own layers in two parts, and the layer of an early exit between them.

For a GPU, and for float32 on a CPU. Not recorded as graphs: see :mod:`completion.graphs`.
"""

from typing import Any, cast

import torch
from torch.nn.functional import linear
from transformers.models.llama import modeling_llama

from completion.cpu.skeleton import misfit
from completion.errors import UnsupportedModel
from completion.passes import TransformersPass
from drafts.adapter import Adapter
from kvcache.hf import StoreCache, attend_slots
from kvcache.rows import RowTensors
from kvcache.store import KVStore


class HalvedPass(TransformersPass):
    """The passes of a model whose layers can be called one by one."""

    def __init__(self, model: Any) -> None:
        """Raises UnsupportedModel for a model with other layers than Llama's and Qwen2's."""
        super().__init__(model)
        reason = misfit(model.config)
        if reason:
            raise UnsupportedModel(f"There can be no early exit: {reason}.")

    def shallow(self, store: KVStore, rows: RowTensors, layers: int) -> torch.Tensor:
        """See :meth:`completion.cpu.passes.CpuPass.shallow`; of the model's own type."""
        return self._through(store, rows, self._body.embed_tokens(rows.tokens[None]), range(layers))[0]

    def deep(self, store: KVStore, rows: RowTensors, hidden: torch.Tensor, layers: int) -> torch.Tensor:
        """See :meth:`completion.cpu.passes.CpuPass.deep`."""
        last = self._through(store, rows, hidden[None], range(layers, len(self._body.layers)))
        return self._model.get_output_embeddings()(self._body.norm(last))[0].float()

    def exit(self, adapter: Adapter) -> "TransformersExit":
        """See :meth:`completion.cpu.passes.CpuPass.exit`."""
        return TransformersExit(self._model, adapter)

    def _through(self, store: KVStore, rows: RowTensors, hidden: Any, numbers: range) -> Any:
        positions = rows.positions[None]
        angles = self._body.rotary_emb(hidden, positions)
        for number in numbers:
            hidden = self._body.layers[number](
                hidden,
                attention_mask=rows.mask[None, None],
                position_ids=positions,
                past_key_values=StoreCache(store, rows),
                use_cache=True,
                position_embeddings=angles,
            )
        return hidden


class TransformersExit:
    """What goes on from the hidden states behind an adapter's layers."""

    def __init__(self, model: Any, adapter: Adapter) -> None:
        """Raises UnusableAdapter for an adapter of another target."""
        config, body = model.config, model.get_decoder()
        head = model.get_output_embeddings().weight
        adapter.require(hidden=config.hidden_size, layers=len(body.layers), vocabulary=config.vocab_size)
        query, bias, out, turn = (
            part.to(head) for part in (adapter.query, adapter.query_bias, adapter.out, adapter.turn)
        )
        self._number = adapter.layers
        self._layer, self._angles = body.layers[adapter.layers], body.rotary_emb
        self._query, self._bias, self._out = query, bias, out
        self._head = head.detach()[adapter.vocabulary.to(head.device)] @ turn
        self._epsilon = float(config.rms_norm_eps)

    def deep(
        self,
        store: KVStore,
        rows: RowTensors,
        hidden: torch.Tensor,
        layers: int,  # noqa: ARG002 - as Deep says
    ) -> torch.Tensor:
        """The logits of the adapter's words: float32 ``[rows, words]``. ``layers`` is 0."""
        attention, normed = self._layer.self_attn, self._layer.input_layernorm(hidden[None])
        queries, keys, values = (
            part.view(1, len(hidden), -1, attention.head_dim).transpose(1, 2)
            for part in (
                linear(normed, self._query, self._bias),
                attention.k_proj(normed),
                attention.v_proj(normed),
            )
        )
        rotated: Any = cast("Any", modeling_llama).apply_rotary_pos_emb
        queries, keys = rotated(queries, keys, *self._angles(normed, rows.positions[None]))
        keys, values = store.write(self._number, keys, values=values, rows=rows)
        mask = rows.mask[None, None]
        mixed, _ = attend_slots(attention, queries, keys, values, mask, scaling=attention.scaling)
        guessed = hidden.float() + linear(mixed.flatten(2), self._out)[0].float()
        normal = guessed * (guessed.square().mean(dim=-1, keepdim=True) + self._epsilon).rsqrt()
        return linear(normal.to(self._head), self._head).float()
