"""Trains the adapter of an early exit (Kangaroo, arXiv 2404.18911, section 3.1).

The target is frozen: all that is read of it are traces. The loss is the cross-entropy of the draft's
words against what the target thinks of them. Positions count as their sample says, those of a middle
more than the rest: one of weight 0.3 is looked at in three of ten turns, which saves the product with the
head in the others.
"""

import csv
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch.nn.functional import pad

from drafts.adapter import Adapter
from drafts.train.acceptance import Hits
from drafts.train.exit_model import ExitModel, Frozen
from drafts.train.progress import Interrupted, Progress, Watch
from drafts.train.traces import Trace

_STATE = "state.pt"
CURVE = "curve.csv"
_COLUMNS = ("step", "seconds", "loss", "acceptance", "acceptance_middle")
_CLIP = 0.5
"""Of the gradient's norm, as in the paper's code; so are the betas."""
_BETAS = (0.9, 0.95)
_WARM_UP = 0.05
"""Of all steps."""


@dataclass(frozen=True)
class Settings:
    """How long and how fast. A step sees ``batch`` traces; the rate falls to zero along a cosine."""

    steps: int
    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.01
    look_every: int = 100
    """Steps between two looks at the traces held out; what was learnt is saved then."""
    seed: int = 0
    products: torch.dtype = torch.float32
    """What matrices are multiplied in; bfloat16 is two to three times as fast where a processor has it."""


@dataclass(frozen=True)
class Look:
    """Where training stands: a row of the curve. Acceptance is the share of positions at which the
    draft's first guess is the target's own token; ``acceptance_middle`` of those that count in full.
    """

    step: int
    seconds: float
    loss: float
    acceptance: float
    acceptance_middle: float


def train(
    frozen: Frozen,
    traces: Sequence[Trace],
    held_out: Sequence[Trace],
    *,
    settings: Settings,
    folder: Path,
    watch: Watch | None = None,
) -> Generator[Look, None, Adapter]:
    """Train on ``traces``; yields a look at ``held_out`` now and then, and returns the adapter.

    It runs where ``frozen`` lies. What was learnt lies in ``folder``, beside the curve; a second call goes
    on from there and ends as one that was never interrupted. Raises Interrupted when ``watch`` stops it,
    with the last step saved.
    """
    watch = watch or Watch()
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(frozen, settings)
    if not run.load(folder / _STATE):
        _start_curve(folder / CURVE)
        yield _noted(run, held_out, folder)
    if not run.step:
        run.model.turn_towards((trace.shallow, trace.last) for trace in traces)
    while run.step < settings.steps:
        run.learn([traces[number] for number in run.chosen(len(traces))])
        watch.tell(Progress("Training", run.step, settings.steps, f"loss {run.losses[-1]:.2f}"))
        if run.step % settings.look_every == 0 or run.step == settings.steps:
            yield _noted(run, held_out, folder)
        if watch.stopped():
            run.save(folder / _STATE)
            raise Interrupted
    return run.model.adapter()


def acceptance(model: ExitModel, frozen: Frozen, traces: Sequence[Trace]) -> tuple[float, float]:
    """The share of positions where the first guess is the target's own token: of all, and of middles."""
    right = middles = hits = count = 0.0
    with torch.no_grad():
        for trace in traces:
            words = model(trace.shallow[None].to(frozen.head.device))[0].argmax(dim=-1).cpu()
            hit = (frozen.start.vocabulary[words] == trace.greedy).float()
            inside = (trace.weights >= 1).float()
            right, count = right + float(hit.sum()), count + len(hit)
            hits, middles = hits + float((hit * inside).sum()), middles + float(inside.sum())
    return right / max(count, 1), hits / max(middles, 1)


def saved_step(folder: Path) -> int:
    """The step that the run in ``folder`` goes on behind; 0 where none was saved."""
    path = folder / _STATE
    return int(torch.load(path, weights_only=True, map_location="cpu")["step"]) if path.is_file() else 0


def middle_hits(model: ExitModel, frozen: Frozen, traces: Sequence[Trace]) -> list[Hits]:
    """For each position of each trace's middle whether the first guess is the target's own token."""
    found: list[Hits] = []
    with torch.no_grad():
        for trace in traces:
            words = model(trace.shallow[None].to(frozen.head.device))[0].argmax(dim=-1).cpu()
            hit = frozen.start.vocabulary[words] == trace.greedy
            found.append(hit[trace.weights >= 1].numpy())
    return [hits for hits in found if len(hits)]


class _Run:
    """A training under way."""

    def __init__(self, frozen: Frozen, settings: Settings) -> None:
        self.model = ExitModel(frozen)
        self.frozen = frozen
        self.step = 0
        self.seconds = 0.0
        self.losses: list[float] = []
        self._settings = settings
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.rate, betas=_BETAS, weight_decay=settings.decay
        )

    def chosen(self, count: int) -> list[int]:
        """Which traces the next step sees: every one in turn, in an order of its own each time around."""
        batch = self._settings.batch
        places = range(self.step * batch, (self.step + 1) * batch)
        orders = {turn: self._order(turn, count) for turn in {place // count for place in places}}
        return [orders[place // count][place % count] for place in places]

    def learn(self, traces: Sequence[Trace]) -> None:
        """One step."""
        started = time.perf_counter()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        loss = self._loss(traces)
        self._optimizer.zero_grad()
        cast("Any", loss).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        cast("Any", self._optimizer).step()
        self.step += 1
        self.losses.append(float(loss.detach()))
        self.seconds += time.perf_counter() - started

    def save(self, path: Path) -> None:
        """Write everything that :meth:`load` needs, in one step."""
        beside = path.with_suffix(".part")
        state = {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
        }
        torch.save(state, beside)
        beside.replace(path)

    def load(self, path: Path) -> bool:
        """Go on where a run of these settings was saved; whether there is one."""
        if not path.is_file():
            return False
        state = torch.load(path, weights_only=True, map_location=self.frozen.head.device)
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.losses = state["step"], state["seconds"], list(state["losses"])
        return True

    def _loss(self, traces: Sequence[Trace]) -> torch.Tensor:
        """Cross-entropy against the target's softmax over the words, at the positions looked at."""
        device, length = self.frozen.head.device, max(len(trace.weights) for trace in traces)
        shallow, last = (
            torch.stack([pad(states, (0, 0, 0, length - len(states))) for states in part]).to(device)
            for part in ([trace.shallow for trace in traces], [trace.last for trace in traces])
        )
        weights = torch.stack([pad(trace.weights, (0, length - len(trace.weights))) for trace in traces])
        seen = torch.rand(weights.shape, generator=self._dice()) < weights
        seen = seen.to(device)
        with torch.autocast(
            device.type, self._settings.products, enabled=self._settings.products.itemsize == 2
        ):
            with torch.no_grad():
                goal = self.frozen.target_logits(last[seen])
            guess = self.model.logits(self.model.states(shallow)[seen])
        surprise = goal.float().softmax(dim=-1) * guess.float().log_softmax(dim=-1)
        return -surprise.sum() / max(1, len(goal))

    def _dice(self) -> torch.Generator:
        """Randomness of its own for each step, so that a run that goes on is the run that it was."""
        return torch.Generator().manual_seed((self._settings.seed << 32) + self.step)

    def _rate(self) -> float:
        settings = self._settings
        warm = max(1, round(settings.steps * _WARM_UP))
        if self.step < warm:
            return settings.rate * (self.step + 1) / warm
        done = (self.step - warm) / max(1, settings.steps - warm)
        return settings.rate * 0.5 * (1 + math.cos(math.pi * done))

    def _order(self, turn: int, count: int) -> list[int]:
        generator = torch.Generator().manual_seed(self._settings.seed + turn)
        return cast("list[int]", cast("Any", torch.randperm(count, generator=generator)).tolist())


def _noted(run: _Run, held_out: Sequence[Trace], folder: Path) -> Look:
    """Look, write the look behind the curve, and save the run."""
    share, middle = acceptance(run.model, run.frozen, held_out)
    loss = sum(run.losses) / len(run.losses) if run.losses else math.nan
    run.losses.clear()
    look = Look(run.step, run.seconds, loss, share, middle)
    with (folder / CURVE).open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow([getattr(look, column) for column in _COLUMNS])
    run.save(folder / _STATE)
    return look


def _start_curve(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(_COLUMNS)
