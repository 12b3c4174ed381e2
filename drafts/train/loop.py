"""The training loop: one step after the other, resumable at each.

AdamW with betas .9 and .95, a linear warm-up, then a cosine down to a tenth of the rate; gradients are
clipped; on CUDA the forward pass runs in bfloat16 and the weights stay float32. Law: stopped at any step
and resumed equals not stopped, on a CPU bit for bit.
"""

import math
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import torch

from drafts.train.batches import Batch, Batches
from drafts.train.exits import drawn, losses, tensor_of

_BETAS = (0.9, 0.95)
_FLOOR = 0.1
"""Share of the rate that the cosine ends at."""


@dataclass(frozen=True)
class Pace:
    """How long and how fast. The rate is that of the whole run, whatever its stages."""

    steps: int
    rate: float = 1e-3
    warm_up: float = 0.05
    """Share of the steps in which the rate rises."""
    decay: float = 0.1
    clip: float = 1.0
    exits_a_step: int = 2
    """Exits whose loss is computed in one step, the last among them."""

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        rising = max(1, round(self.steps * self.warm_up))
        if step < rising:
            return self.rate * (step + 1) / rising
        turn = (step - rising) / max(1, self.steps - rising)
        return self.rate * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * turn)))


class Trainer:
    """A model in training: the only writer of its weights."""

    def __init__(self, model: Any, exits: Sequence[int], pace: Pace, *, seed: int) -> None:
        """``model`` lies on its device in float32. ``seed`` decides which exits a step draws."""
        self.model = model
        self.exits = tuple(exits)
        self.step = 0
        """Steps done."""
        self._pace = pace
        self._device = next(model.parameters()).device
        self._generator = torch.Generator().manual_seed(seed)
        self._optimizer = torch.optim.AdamW(_groups(model, pace.decay), lr=pace.rate, betas=_BETAS)

    def train(self, batch: Batch) -> float:
        """Learn from one batch; returns its loss at the last exit, in nats a word."""
        self.model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._pace.rate_at(self.step)
        exits = drawn(self.exits, self._pace.exits_a_step, self._generator)
        words, labels = (tensor_of(part, self._device) for part in batch)
        with half_precision(self._device):
            each = losses(self.model, words, labels, exits)
        self._optimizer.zero_grad(set_to_none=True)
        cast("Any", torch.stack(each).sum()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._pace.clip)
        cast("Any", self._optimizer).step()
        self.step += 1
        return float(each[-1].detach())

    def state(self) -> dict[str, Any]:
        """All that a later trainer needs to go on as this one would."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the trainer that gave ``state``. Raises KeyError, ValueError, RuntimeError."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"])
        self.step = int(state["step"])


def half_precision(device: torch.device) -> Any:
    """The block in which a pass runs: bfloat16 on CUDA, as it is elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")


def steps(
    trainer: Trainer, batches: Batches, until: int, *, stopped: Callable[[], bool]
) -> Generator[float, None, None]:
    """Train up to step ``until`` or until ``stopped``, which is asked between steps; yields each loss.

    The next batch is made on a thread while the model learns from this one.
    """
    with ThreadPoolExecutor(1, "batches") as ahead:
        coming = ahead.submit(batches.at, trainer.step)
        while trainer.step < until and not stopped():
            batch = coming.result()
            if trainer.step + 1 < until:
                coming = ahead.submit(batches.at, trainer.step + 1)
            yield trainer.train(batch)


def _groups(model: Any, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; norms and biases do not."""
    found: list[Any] = list(model.parameters())
    return [
        {"params": [each for each in found if each.ndim > 1], "weight_decay": decay},
        {"params": [each for each in found if each.ndim <= 1], "weight_decay": 0.0},
    ]
