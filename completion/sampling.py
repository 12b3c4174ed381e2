"""Picks the next token from logits: the likeliest, or one by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from completion.records import CompletionRequest
from drafts.verify import probabilities
from kvcache.transfer import upload


def greedy(logits: torch.Tensor, allowed: Sequence[int] | None = None) -> int:
    """The likeliest token of ``logits`` ``[vocabulary]``; of equals the lowest id.

    ``allowed`` restricts the choice to these ids; it must not be empty. The logits stay on
    their device: one number is read, which waits for the pass behind them.
    """
    if allowed is None:
        return int(logits.argmax())
    choices = sorted(allowed)
    return choices[int(logits[upload(choices, logits.device)].argmax())]


@dataclass(frozen=True)
class Sampler:
    """Draws the tokens of one request. ``generator`` gives all chance, and so the request's seed.

    One token of output takes one draw, however many were drafted: the same seed gives the same text
    with drafts and without.
    """

    temperature: float
    top_p: float
    generator: torch.Generator

    def distribution(self, logits: torch.Tensor, allowed: Sequence[int] | None = None) -> torch.Tensor:
        """What is drawn from: float32 ``[vocabulary]``, on the generator's device.

        ``allowed`` (not empty) are the only ids that may come: the others are gone before ``top_p`` counts.
        """
        if allowed is not None:
            choices = upload(sorted(allowed), logits.device)
            logits = torch.full_like(logits, float("-inf")).index_copy_(0, choices, logits[choices])
        return probabilities(logits.to(self.generator.device), self.temperature, self.top_p)


def sampler_for(request: CompletionRequest) -> Sampler | None:
    """The sampler of a request with its own generator; None where it is greedy."""
    if request.temperature == 0:
        return None
    generator = torch.Generator()
    if request.seed is None:
        generator.seed()
    else:
        generator.manual_seed(request.seed)
    return Sampler(request.temperature, request.top_p, generator)
