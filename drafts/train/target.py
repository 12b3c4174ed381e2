"""The target's own completions: what a draft is aligned with, and measured against.

Sequence-level distillation (FastDraft, arXiv 2411.11055, section 3.3): the target answers prompts
greedily and at temperatures, and the draft learns the answers. Prompts of one batch are padded on the
left, so that all of them end in the same column.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from drafts.train.scaled import load_whole
from kvcache.arenas import listed

TEMPERATURES = (0.0, 0.6, 0.8, 1.0)
"""Taken in turns, as in the paper; 0 is greedy."""


class Target:
    """A target that completes batches of prompts."""

    def __init__(self, directory: Path, device: torch.device, *, stops: Sequence[int], most: int) -> None:
        """The model is loaded when first asked. A completion has ``most`` tokens or ends with a stop."""
        self._directory = directory
        self._model: Any = None
        self._device = device
        self._stops = frozenset(stops)
        self._most = most

    def complete(
        self, prompts: Sequence[Sequence[int]], temperature: float, generator: torch.Generator
    ) -> list[tuple[int, ...]]:
        """One completion a prompt, with the stop that ended it. ``generator`` lies on the CPU."""
        if self._model is None:
            self._model = self._loaded()
        found: list[list[int]] = [[] for _ in prompts]
        for chosen in self._chosen(prompts, temperature, generator):
            for tokens, token in zip(found, chosen, strict=True):
                if len(tokens) < self._most and not self._ended(tokens):
                    tokens.append(token)
            if all(map(self._ended, found)):
                break
        return [tuple(tokens) for tokens in found]

    def _loaded(self) -> Any:
        """The model on its device, in bfloat16 on CUDA."""
        dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        return load_whole(self._directory, dtype).to(self._device).eval().requires_grad_(False)

    def _ended(self, tokens: Sequence[int]) -> bool:
        return bool(tokens) and tokens[-1] in self._stops

    @torch.inference_mode()
    def _chosen(
        self, prompts: Sequence[Sequence[int]], temperature: float, generator: torch.Generator
    ) -> Iterator[list[int]]:
        """Column after column of the completions, ``most`` of them."""
        ids, mask = _padded(prompts)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        past: Any = None
        for _ in range(self._most):
            out = self._model(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                position_ids=positions.to(self._device),
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            chosen = _pick(out.logits[:, -1].float().cpu(), temperature, generator)
            yield listed(chosen)
            past, ids, positions = out.past_key_values, chosen[:, None], positions[:, -1:] + 1
            mask = torch.cat([mask, torch.ones(len(mask), 1, dtype=mask.dtype)], 1)


def _padded(prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask ``[prompts, longest]``, int64, padded on the left."""
    longest = max(map(len, prompts))
    ids = torch.zeros(len(prompts), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt, dtype=torch.int64)
        mask[row, longest - len(prompt) :] = 1
    return ids, mask


def _pick(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
    """A token a row: the likeliest, or one drawn at ``temperature``."""
    if temperature <= 0:
        return logits.argmax(-1)
    chances = (logits / temperature).softmax(-1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
