"""How far an answer from a reused cache agrees with the one from full recomputation.

Both answer the same prompt tokens. Compared are the first token, the whole line, and the
distributions along full recomputation's own continuation (teacher-forced), which does not hang
on near-ties as the text does.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from completion.forward import Forward
from completion.healing import Vocabulary, after
from completion.loading import LoadedModel
from completion.prompt import Prompt
from kvcache.plan import Plan
from kvcache.spans import TaggedTokens
from kvcache.store import KVStore, rounded_capacity

FORCED = 16
"""Tokens of the continuation that distributions are compared along."""
_LINE = 28
"""Tokens of a line at most."""
_ROOM = 64


@dataclass(frozen=True)
class Answer:
    """What came of one prompt by one method."""

    line: tuple[int, ...]
    """Tokens up to the one that ends the line."""
    text: str
    """The line, behind the cursor, without blank space at its end."""
    logits: torch.Tensor
    """``[tokens, vocabulary]``, in front of each token of the reference's continuation."""
    continuation: tuple[int, ...]
    """Its own."""
    encoded: int
    ms: float
    """To the logits of the first token."""


@dataclass(frozen=True)
class Agreement:
    """One answer against the reference."""

    first: bool
    line: bool
    divergence: float
    """Mean Kullback-Leibler divergence, nats a token, of the answer from the reference."""


class Judge:
    """Runs prompts through stores. One model; nothing else may use it meanwhile."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._forward: Forward = loaded.forward
        self._vocabulary = Vocabulary(loaded.codec.vocabulary())

    def cold(self, tokens: TaggedTokens) -> KVStore:
        """A store in which ``tokens`` were encoded in order, nothing reused."""
        loaded = self._loaded
        store = KVStore(
            loaded.shape,
            rounded_capacity(len(tokens) + _ROOM * 8),
            dtype=loaded.dtype,
            device=loaded.device,
            rotary=loaded.rotary,
        )
        store.apply(Plan(tokens, 0))
        self._fill(store, store.missing)
        return store

    def answer(self, store: KVStore, plan: Plan, prompt: Prompt, reference: Answer | None = None) -> Answer:
        """Follow ``plan`` and complete the line. The store holds the prompt alone afterwards."""
        started = time.perf_counter()
        store.grow(rounded_capacity(len(plan.wanted) + _ROOM))
        store.apply(plan)
        first = self._fill(store, plan.compute)
        ms = (time.perf_counter() - started) * 1e3
        length = len(plan.wanted)
        if reference is None:
            own = self._greedy(store, first, prompt.piece)
            store.truncate(length)
            logits = self._along(store, first, own)
        else:
            own = reference.continuation
            logits = self._along(store, first, own)
            store.truncate(length)
            own = self._until_it_differs(store, logits, own, prompt.piece)
        store.truncate(length)
        line = self._line(own)
        return Answer(line, self._text(line, prompt.piece), logits, own, len(plan.compute), ms)

    def refresh(self, store: KVStore) -> int:
        """Encode again, in order, all that is not exact; how many tokens that were."""
        store.compact()
        stale = range(store.exact, len(store))
        if stale:
            self._fill(store, stale)
        return len(stale)

    def _fill(self, store: KVStore, positions: Sequence[int]) -> torch.Tensor:
        steps = self._forward.fill(store, positions, 64)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def _greedy(
        self, store: KVStore, logits: torch.Tensor, piece: bytes, begun: Sequence[int] = ()
    ) -> tuple[int, ...]:
        """Tokens behind ``begun`` that first spell ``piece``, in the order decoding takes them."""
        ids = list(begun)
        least = 0 if begun else FORCED
        while len(ids) < _LINE and not self._is_enough(ids, least):
            if len(ids) > len(begun):
                logits = self._forward.logits(store, [ids[-1]])
            token = self._best(logits, piece)
            ids.append(token)
            piece = after(piece, self._loaded.codec.bytes_of(token)) if piece else piece
        return tuple(ids)

    def _until_it_differs(
        self, store: KVStore, logits: torch.Tensor, theirs: Sequence[int], piece: bytes
    ) -> tuple[int, ...]:
        """Greedy tokens; where they agree with ``theirs`` the forced ``logits`` tell them already."""
        for index, token in enumerate(theirs):
            best = self._best(logits[index], piece)
            if best != token:
                if index:
                    self._forward.encode(store, theirs[:index])
                return self._greedy(store, logits[index], piece, theirs[:index])
            piece = after(piece, self._loaded.codec.bytes_of(token)) if piece else piece
        return tuple(theirs)

    def _is_enough(self, ids: Sequence[int], least: int) -> bool:
        if ids and ids[-1] in self._loaded.codec.special_ids:
            return True
        return len(ids) >= least and b"\n" in b"".join(map(self._loaded.codec.bytes_of, ids)).lstrip(b"\n")

    def _best(self, logits: torch.Tensor, piece: bytes) -> int:
        allowed = self._vocabulary.agreeing(piece) if piece else []
        return allowed[int(logits[allowed].argmax())] if allowed else int(logits.argmax())

    def _along(self, store: KVStore, first: torch.Tensor, ids: Sequence[int]) -> torch.Tensor:
        """Logits in front of each of ``ids``, in one pass: ``[len(ids), vocabulary]``."""
        if len(ids) < 2:
            return first[None]
        return torch.cat([first[None], self._forward.every_logits(store, ids[:-1])])

    def _line(self, ids: Sequence[int]) -> tuple[int, ...]:
        spelled = b""
        for count, token in enumerate(ids, 1):
            spelled += self._loaded.codec.bytes_of(token)
            if b"\n" in spelled.lstrip(b"\n") or token in self._loaded.codec.special_ids:
                return tuple(ids[:count])
        return tuple(ids)

    def _text(self, line: Sequence[int], piece: bytes) -> str:
        spelled = b"".join(self._loaded.codec.bytes_of(token) for token in line)[len(piece) :]
        return spelled.decode("utf-8", "replace").partition("\n")[0].rstrip()


def agreement(answer: Answer, reference: Answer) -> Agreement:
    """Compare an answer with the reference that its logits were taken along."""
    truth = reference.logits[:FORCED].log_softmax(-1)
    own = answer.logits[:FORCED].log_softmax(-1)
    divergence = float((truth.exp() * (truth - own)).sum(-1).mean())
    first = bool(answer.line and reference.line and answer.line[0] == reference.line[0])
    return Agreement(first, answer.line == reference.line, max(0.0, divergence))


def similarity(left: str, right: str) -> float:
    """Edit similarity: 1 - Levenshtein distance over the longer length."""
    if not left and not right:
        return 1.0
    row = list(range(len(right) + 1))
    for index, char in enumerate(left, 1):
        previous, row[0] = row[0], index
        for at, other in enumerate(right, 1):
            previous, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, previous + (char != other))
    return 1 - row[-1] / max(len(left), len(right))
