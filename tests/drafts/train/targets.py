"""A target of nothing but tensors: what training an adapter asks for, learnable and small."""

from collections.abc import Sequence

import torch

from drafts.adapter import Adapter
from drafts.train.exit_model import Frozen

HIDDEN, HEADS, KV_HEADS, DIM, WORDS = 16, 4, 2, 4, 12


def frozen() -> Frozen:
    """The parts of a target of width 16 that says twelve words: the even ids."""
    make = torch.Generator().manual_seed(3)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=make) * shape[-1] ** -0.5

    angles = torch.arange(64.0)[:, None] * torch.tensor([1.0, 0.1]).repeat(2)
    start = Adapter(
        target="t",
        layers=2,
        query=numbers(HEADS * DIM, HIDDEN),
        query_bias=numbers(HEADS * DIM),
        out=numbers(HIDDEN, HEADS * DIM),
        turn=torch.eye(HIDDEN),
        vocabulary=torch.arange(0, 2 * WORDS, 2),
    )
    return Frozen(
        start=start,
        heads=HEADS,
        kv_heads=KV_HEADS,
        epsilon=1e-6,
        norm=torch.ones(HIDDEN),
        key_value=numbers(2 * KV_HEADS * DIM, HIDDEN),
        key_value_bias=numbers(2 * KV_HEADS * DIM),
        last_norm=torch.ones(HIDDEN),
        head=numbers(WORDS, HIDDEN) * 4,
        cosines=angles.cos(),
        sines=angles.sin(),
    )


class TinyTarget:
    """Says what a fixed matrix makes of each token's vector; remembers what it was asked."""

    def __init__(self) -> None:
        make = torch.Generator().manual_seed(5)
        self._vectors = torch.randn(32, HIDDEN, generator=make)
        self._deeper = torch.linalg.qr(torch.randn(HIDDEN, HIDDEN, generator=make)).Q
        self.asked: list[tuple[int, ...]] = []

    def trace(self, ids: Sequence[int], layers: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        assert layers == 2
        self.asked.append(tuple(ids))
        shallow = self._vectors[list(ids)]
        last = shallow @ self._deeper
        own = frozen()
        return shallow, last, own.start.vocabulary[own.target_logits(last).argmax(dim=-1)]
