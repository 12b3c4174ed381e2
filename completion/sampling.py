"""Picks the next token from logits."""

from collections.abc import Sequence

import torch


def greedy(logits: torch.Tensor, allowed: Sequence[int] | None = None) -> int:
    """The likeliest token of ``logits`` ``[vocabulary]``; of equals the lowest id.

    ``allowed`` restricts the choice to these ids; it must not be empty.
    """
    if allowed is None:
        return int(logits.argmax())
    choices = torch.tensor(sorted(allowed), device=logits.device)
    return int(choices[logits[choices].argmax()])
