"""What a draft would be worth: measured on held-out middles, without running any drafting.

The reference is what the target says greedily (or, without a target, what stood there). With greedy
verification a drafted token is accepted where it equals the reference, and up to the first refusal the
draft sees the reference itself. So one teacher-forced pass says which token would be accepted where,
and the passes of the target can be counted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from drafts.card import WINDOWS, Measured
from drafts.train.batches import IGNORED, batch_of
from drafts.train.exits import exit_states, losses, tensor_of
from drafts.train.loop import half_precision
from drafts.train.samples import Sample
from drafts.vocabulary import Vocabulary

Hits = NDArray[np.bool_]
"""For each token of one reference, whether the draft's greedy choice equals it."""


class HeldOut(NamedTuple):
    """A prompt and the reference behind it, in the target's tokens; the reference is not empty."""

    prompt: tuple[int, ...]
    reference: tuple[int, ...]


def measure(
    model: Any, exits: Sequence[int], held_out: Sequence[HeldOut], vocabulary: Vocabulary, *, rows: int = 8
) -> list[Measured]:
    """Loss, acceptance and block efficiency at each exit. Changes nothing but the model's mode."""
    model.eval()
    hits: list[list[Hits]] = [[] for _ in exits]
    lost: list[list[float]] = [[] for _ in exits]
    for start in range(0, len(held_out), rows):
        some = held_out[start : start + rows]
        for at, (found, loss) in enumerate(_judged(model, exits, some, vocabulary)):
            hits[at] += found
            lost[at].append(loss)
    return [_measured(each, losses_) for each, losses_ in zip(hits, lost, strict=True)]


def target_passes(hits: Hits, most: int) -> int:
    """Passes of the target for one reference, at ``most`` drafted tokens a pass.

    A pass gives the accepted run and one token of the target's own; the last may end early.
    """
    at = passes = 0
    while at < len(hits):
        run = hits[at : at + most]
        at += 1 + (len(run) if run.all() else int(np.argmin(run)))
        passes += 1
    return passes


def block_efficiency(hits: Sequence[Hits], most: int) -> float:
    """Output tokens a pass of the target over all references; 1 is what no draft gives."""
    return sum(map(len, hits)) / max(1, sum(target_passes(each, most) for each in hits))


def _measured(hits: Sequence[Hits], lost: Sequence[float]) -> Measured:
    all_hits = np.concatenate(hits) if hits else np.zeros(0, np.bool_)
    return Measured(
        loss=float(np.mean(lost)) if lost else 0.0,
        acceptance=float(all_hits.mean()) if len(all_hits) else 0.0,
        block_efficiency=tuple(block_efficiency(hits, most) for most in WINDOWS),
    )


@torch.inference_mode()
def _judged(
    model: Any, exits: Sequence[int], held_out: Sequence[HeldOut], vocabulary: Vocabulary
) -> list[tuple[list[Hits], float]]:
    """Hits and loss of one batch, at each exit."""
    samples = [Sample(each.prompt + each.reference, len(each.prompt)) for each in held_out]
    batch = batch_of(samples, max(len(sample.ids) for sample in samples) - 1, vocabulary)
    device = next(model.parameters()).device
    words, labels = (tensor_of(part, device) for part in batch)
    with half_precision(device):
        lost = losses(model, words, labels, exits)
        states = exit_states(model, words, exits)
        said = [model.get_output_embeddings()(state).argmax(-1).cpu().numpy() for state in states]
    return [
        (_hits(choices, batch.labels, held_out), float(loss))
        for choices, loss in zip(said, lost, strict=True)
    ]


def _hits(choices: NDArray[np.int64], labels: NDArray[np.int64], held_out: Sequence[HeldOut]) -> list[Hits]:
    """Where the draft's word is the one behind; a token that is no word is never hit."""
    equal = (choices == labels) & (labels != IGNORED)
    return [
        equal[row, len(each.prompt) - 1 : len(each.prompt) - 1 + len(each.reference)]
        for row, each in enumerate(held_out)
    ]
