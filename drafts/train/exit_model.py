"""The adapter of an early exit while it is trained: in float32, for whole sequences at a time.

The same sums as the kernels', see :mod:`drafts.adapter`; tests compare the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import nn

from drafts.adapter import Adapter

_LEARNT = ("query", "query_bias", "out", "turn")

_RIDGE = 1.0
"""Added to squares of numbers around 1, of which there are as many as tokens."""


@dataclass(frozen=True, eq=False)
class Frozen:
    """What an adapter uses of the target and what it starts from, all in float32.

    ``norm`` and ``key_value`` (keys above values, with ``key_value_bias``) are those of the layer behind the
    exit; ``head`` ``[words, hidden]`` has the rows of ``start.vocabulary``, ``last_norm`` is in front of it.
    ``cosines`` and ``sines`` are ``[positions, turned]``. ``start`` is the adapter before any training.
    """

    start: Adapter
    heads: int
    kv_heads: int
    epsilon: float
    norm: torch.Tensor
    key_value: torch.Tensor
    key_value_bias: torch.Tensor
    last_norm: torch.Tensor
    head: torch.Tensor
    cosines: torch.Tensor
    sines: torch.Tensor

    def to(self, device: torch.device) -> "Frozen":
        """The same there; what is learnt lies where this does."""
        moved = {name: part.to(device) for name, part in vars(self).items() if isinstance(part, torch.Tensor)}
        own = {name: part.to(device) for name, part in vars(self.start).items() if name in _LEARNT}
        return replace(self, **moved, start=replace(self.start, **own))

    def target_logits(self, last: torch.Tensor) -> torch.Tensor:
        """What the target makes of its hidden states behind the last layer: its logits of the words."""
        return self.target_states(last) @ self.head.T

    def target_states(self, last: torch.Tensor) -> torch.Tensor:
        """What the target's head is given."""
        return _normed(last, self.epsilon) * self.last_norm


class ExitModel(nn.Module):
    """An adapter that learns; everything of the target stays as it is."""

    def __init__(self, frozen: Frozen) -> None:
        """Begin with ``frozen.start``."""
        super().__init__()
        start = frozen.start
        self._frozen = frozen
        self.query, self.query_bias, self.out, self.turn = (
            nn.Parameter(part.float().clone())
            for part in (start.query, start.query_bias, start.out, start.turn)
        )

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits ``[batch, length, words]`` of the hidden states behind the exit ``[batch, length, hidden]``,
        of tokens at the positions from 0 on.
        """
        return self.logits(self.states(hidden))

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """The logits ``[..., words]`` of :meth:`states`, of as many rows as are wanted."""
        return states @ self._frozen.head.T

    def states(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the head is given: ``[batch, length, hidden]``."""
        frozen = self._frozen
        normed = _normed(hidden, frozen.epsilon) * frozen.norm
        queries = self._heads(normed @ self.query.T + self.query_bias, frozen.heads, turned=True)
        keys, values = (normed @ frozen.key_value.T + frozen.key_value_bias).chunk(2, dim=-1)
        mixed = nn.functional.scaled_dot_product_attention(
            queries,
            self._heads(keys, frozen.kv_heads, turned=True),
            self._heads(values, frozen.kv_heads, turned=False),
            is_causal=True,
            enable_gqa=True,
        )
        guessed = hidden + mixed.transpose(1, 2).flatten(2) @ self.out.T
        return _normed(guessed, frozen.epsilon) @ self.turn.T

    @torch.no_grad()
    def turn_towards(self, traces: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Let ``turn`` be what brings the states nearest to what the target's head is given: least squares.

        ``traces`` are hidden states behind the exit and behind the last layer, ``[length, hidden]`` each. A
        start that costs one look at the text (the "tuned lens", arXiv 2303.08112).
        """
        width = len(self.turn)
        self.turn.copy_(torch.eye(width))
        both, across = torch.zeros(2, width, width, device=self.turn.device)
        for shallow, last in traces:
            states = self.states(shallow[None].to(self.turn.device))[0]
            both += states.T @ states
            across += states.T @ self._frozen.target_states(last.to(self.turn.device))
        both.diagonal().add_(_RIDGE)
        solve: Any = cast("Any", torch.linalg).solve
        self.turn.copy_(solve(both, across).T)

    def adapter(self) -> Adapter:
        """What was learnt so far."""
        start = self._frozen.start
        return Adapter(
            target=start.target,
            layers=start.layers,
            query=self.query.detach(),
            query_bias=self.query_bias.detach(),
            out=self.out.detach(),
            turn=self.turn.detach(),
            vocabulary=start.vocabulary,
        )

    def _heads(self, x: torch.Tensor, heads: int, *, turned: bool) -> torch.Tensor:
        """``[batch, length, heads · dim]`` as ``[batch, heads, length, dim]``, rotated to the positions."""
        apart = x.view(*x.shape[:-1], heads, -1).transpose(1, 2)
        if not turned:
            return apart
        length, width = x.shape[1], self._frozen.cosines.shape[1]
        turning, still = apart[..., :width], apart[..., width:]
        left, right = turning.chunk(2, dim=-1)
        crossed = torch.cat([-right, left], dim=-1)
        rotated = turning * self._frozen.cosines[:length] + crossed * self._frozen.sines[:length]
        return torch.cat([rotated, still], dim=-1)


def _normed(x: torch.Tensor, epsilon: float) -> torch.Tensor:
    """RMSNorm without a gain."""
    return x * (x.square().mean(dim=-1, keepdim=True) + epsilon).rsqrt()
