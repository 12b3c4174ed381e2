"""Losses at the exits of a model that share one norm and one head.

S2D's sorted fine-tuning (arXiv 2407.01955, section 3.1, after Valipour et al., arXiv 2309.08968): every
nested part, the first ``n`` layers with the norm and the head, is a language model; the loss is the sum
of theirs. A model with its last exit alone is an ordinary one.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from drafts.errors import BadRecipe
from drafts.train.batches import IGNORED
from kvcache.arenas import listed


def check_exits(exits: Sequence[int], layers: int) -> tuple[int, ...]:
    """The exits, ascending. Raises BadRecipe unless they lie within ``layers`` and the last is the end."""
    ordered = tuple(sorted(set(exits)))
    if not ordered or ordered[0] < 1 or ordered[-1] != layers:
        raise BadRecipe(f"Exits are layers from 1 on, and the last is the draft's last layer, {layers}.")
    return ordered


def exit_states(model: Any, words: torch.Tensor, exits: Sequence[int]) -> list[torch.Tensor]:
    """The hidden states at ``exits``, behind the norm: one ``[rows, length, width]`` an exit, in order.

    ``words`` is int64 ``[rows, length]``. Layers behind the deepest exit asked for are computed in vain.
    """
    decoder = model.get_decoder()
    out = decoder(input_ids=words, use_cache=False, output_hidden_states=True)
    last = decoder.config.num_hidden_layers
    return [out.last_hidden_state if n == last else decoder.norm(out.hidden_states[n]) for n in exits]


def losses(model: Any, words: torch.Tensor, labels: torch.Tensor, exits: Sequence[int]) -> list[torch.Tensor]:
    """Cross-entropy in nats a learnt word at each of ``exits``; 0 where nothing is learnt."""
    count = (labels != IGNORED).sum().clamp(min=1)
    head = model.get_output_embeddings()
    wanted = labels.flatten()
    found: list[torch.Tensor] = []
    for state in exit_states(model, words, exits):
        logits = head(state).float().flatten(0, 1)
        summed = functional.cross_entropy(logits, wanted, ignore_index=IGNORED, reduction="sum")
        found.append(summed / count)
    return found


def drawn(exits: Sequence[int], most: int, generator: torch.Generator) -> list[int]:
    """At most ``most`` of the exits, the last among them, drawn anew for each step.

    With all of them a step costs one head an exit, which for small models is most of it.
    """
    others = list(exits[:-1])
    chosen = listed(torch.randperm(len(others), generator=generator))[: max(most - 1, 0)]
    return [*(others[index] for index in sorted(chosen)), exits[-1]]


def tensor_of(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array on ``device``; int64, whatever whole numbers it holds."""
    return cast("torch.Tensor", cast("Any", torch).from_numpy(array.astype(np.int64))).to(device)
