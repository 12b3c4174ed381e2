"""The reference: the model as transformers runs it, float32 weights, nothing of ours in between.

Its own eager attention and its own cache, one greedy token after another. Of the product only the
prompt's tokens, the rule where an answer ends and the healed piece are shared.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.utils import logging as transformers_logging

from benchmarks.infills import END, Answer, Infill, Reader
from completion.healing import Vocabulary
from completion.sampling import greedy

CHOICES = 16
"""Likeliest tokens noted in front of each token of an answer."""


class Reference:
    """A causal language model of transformers, as it comes."""

    def __init__(self, directory: Path, reader: Reader, device: torch.device) -> None:
        transformers_logging.disable_progress_bar()
        auto: Any = AutoModelForCausalLM  # partly untyped
        model = auto.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
        self._model: Any = model.to(device).eval()
        self._device = device
        self._reader = reader
        self._vocabulary = Vocabulary(reader.codec.vocabulary())

    def answer(self, infill: Infill) -> Answer:
        """Greedy tokens to the answer's end, with the choices in front of each."""
        listener = self._reader.listen(infill)
        choices: list[tuple[tuple[int, float], ...]] = []
        cache, fresh, goes_on = DynamicCache(), infill.prompt.ids, True
        while goes_on:
            logits = self._logits(fresh, cache)
            allowed = self._vocabulary.agreeing(listener.piece) if listener.piece else []
            token = greedy(logits, allowed or None)
            choices.append(likeliest(logits, allowed, self._reader.stop_ids))
            goes_on = listener.hear(token)
            fresh = (token,)
        return listener.answer(tuple(choices))

    def nats(self, window: Sequence[int]) -> float:
        """Negative log-likelihood of the window's tokens, each behind all in front of it, but the first's."""
        with torch.inference_mode():
            logits = self._model(self._tensor(window)).logits[0, :-1].float()
            return nats(logits, window[1:])

    def _logits(self, tokens: Sequence[int], cache: Any) -> torch.Tensor:
        with torch.inference_mode():
            out = self._model(self._tensor(tokens), past_key_values=cache, use_cache=True, logits_to_keep=1)
            return out.logits[0, -1].float()

    def _tensor(self, tokens: Sequence[int]) -> torch.Tensor:
        return torch.tensor([list(tokens)], device=self._device)


def likeliest(
    logits: torch.Tensor, allowed: Sequence[int], stop_ids: frozenset[int]
) -> tuple[tuple[int, float], ...]:
    """The likeliest tokens with their logits, falling; all stop tokens together are ``END``.

    ``allowed`` empty: every token is.
    """
    if allowed:
        masked = torch.full_like(logits, -torch.inf)
        masked[list(allowed)] = logits[list(allowed)]
        logits = masked
    best: dict[int, float] = {}
    for each in logits.topk(min(CHOICES, len(logits))).indices:
        token, value = int(each), float(logits[each])
        if value > -torch.inf:
            best.setdefault(END if token in stop_ids else token, value)
    return tuple(best.items())


def nats(logits: torch.Tensor, tokens: Sequence[int]) -> float:
    """Negative log-likelihood of ``tokens``: ``logits`` is float32 ``[tokens, vocabulary]``."""
    wanted = torch.tensor(list(tokens), device=logits.device)
    return float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
