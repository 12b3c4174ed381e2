"""Picks the next token from logits."""

from collections.abc import Sequence

import torch

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
