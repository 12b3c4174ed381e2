"""One step of decoding: a draft, a pass of the target over it, and what of it the target would have said.

The output is that of a model that decodes token by token, whatever was drafted; where tokens are drawn by
chance, with the same draws.
"""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from completion.forward import Forward
from completion.healing import Vocabulary, after
from completion.sampling import Sampler, greedy
from drafts.chooser import NOBODY, Chooser
from drafts.draft import Draft, Source, Verdict
from drafts.verify import judge_greedy, judge_sampled
from kvcache.arenas import listed
from kvcache.store import KVStore

Choice = Callable[[int, Sequence[int]], int]
Follow = Callable[[KVStore], None]
"""Told of the store that is about to be drafted behind."""


def unfollowed(_store: KVStore) -> None:
    """Nobody drafts with the target's own store."""


class Ask(NamedTuple):
    """What the next tokens must be: ``piece`` is spelled first; without a sampler they are the likeliest."""

    piece: bytes = b""
    sampler: Sampler | None = None


class Drafting(NamedTuple):
    """Who drafts, and for what."""

    chooser: Chooser
    source: Source

    def begin(self) -> Generator[None, None, None]:
        """Get ready, pausing."""
        return self.chooser.begin(self.source)


@dataclass(frozen=True)
class Verifier:
    """What a step needs of a loaded model. Lives on the engine thread."""

    forward: Forward
    vocabulary: Vocabulary
    bytes_of: Callable[[int], bytes]
    follow: Follow = unfollowed

    def first(self, logits: torch.Tensor, ask: Ask) -> int:
        """The token behind the prompt, whose logits are float32 ``[vocabulary]``."""
        return self._judge(NOBODY, logits[None], ask).own

    def step(
        self, store: KVStore, output: Sequence[int], ask: Ask, *, most: int, drafting: Drafting | None
    ) -> Verdict:
        """What the target says behind ``output``, whose last token is not in the store yet.

        ``most`` bounds the output as a whole. The store holds the last token and what was accepted behind
        it, then.
        """
        self.follow(store)
        draft = NOBODY if drafting is None else drafting.chooser.propose(output, most - len(output) - 1)
        started, kept = time.perf_counter(), len(store) + 1
        if draft.tokens:
            logits = self.forward.every_logits(store, [output[-1], *draft.tokens])
        else:
            logits = self.forward.logits(store, [output[-1]])[None]
        verdict = self._judge(draft, logits, ask)
        if len(verdict.accepted) < len(draft):
            store.truncate(kept + len(verdict.accepted))
        if drafting is not None:
            drafting.chooser.observe(verdict, time.perf_counter() - started)
        return verdict

    def left(self, piece: bytes, tokens: Sequence[int]) -> bytes:
        """What of ``piece`` is still to be spelled behind ``tokens``."""
        for token in tokens:
            if not piece:
                break
            piece = after(piece, self.bytes_of(token))
        return piece

    def _judge(self, draft: Draft, logits: torch.Tensor, ask: Ask) -> Verdict:
        """``logits`` ``[1 + drafted, vocabulary]``."""
        sampler = ask.sampler
        if sampler is None:
            return judge_greedy(draft, self._choice(logits, ask.piece))
        return judge_sampled(
            draft,
            lambda row, path: sampler.distribution(logits[row], self._agreeing(self.left(ask.piece, path))),
            sampler.generator,
        )

    def _choice(self, logits: torch.Tensor, piece: bytes) -> Choice:
        """The target's token behind a row, given the drafted tokens in front; logits ``[rows, size]``."""
        if not piece:
            likeliest = listed(logits.argmax(-1))
            return lambda row, _: likeliest[row]
        return lambda row, path: greedy(logits[row], self._agreeing(self.left(piece, path)))

    def _agreeing(self, piece: bytes) -> Sequence[int] | None:
        """The ids that may come next, or None for all; all, too, if none agrees."""
        return (self.vocabulary.agreeing(piece) or None) if piece else None
