"""The decoding loop: one token a step, until a rule says that it is enough.

A generator that pauses between steps, so that whoever drives it can cancel by closing it.
What was decoded is in the store by then, with its keys and values, so a store is whole at
every pause.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from completion.detokenize import ByteDecoder
from completion.forward import Forward
from completion.healing import Vocabulary, after
from completion.records import FinishReason
from completion.sampling import greedy
from completion.stopping import StopRule, whole_lines
from completion.tokens import TextCodec
from kvcache.store import KVStore

_CUT_SHORT = frozenset({FinishReason.TOKENS, FinishReason.TIME})


@dataclass(frozen=True)
class Limits:
    """How far decoding goes at most. ``deadline`` is in seconds of ``time.perf_counter``."""

    tokens: int
    deadline: float


@dataclass
class Decoded:
    """What was decoded so far. ``text`` is behind the healed piece and cut by the stop rule.

    Written by the loop alone; others read it when the loop has ended.
    """

    ids: list[int] = field(default_factory=list[int])
    text: str = ""
    finish: FinishReason = FinishReason.TOKENS
    first_token_at: float | None = None


@dataclass(frozen=True)
class Decoder:
    """What decoding needs of a loaded model. ``stop_ids`` end a completion."""

    forward: Forward
    codec: TextCodec
    vocabulary: Vocabulary
    stop_ids: frozenset[int]

    def steps(
        self,
        store: KVStore,
        logits: torch.Tensor,
        *,
        piece: bytes,
        rule: StopRule,
        limits: Limits,
        emit: Callable[[str], None],
    ) -> Generator[None, None, Decoded]:
        """Decode from ``logits`` on, pausing after each token's forward pass.

        The first tokens spell ``piece``. ``emit`` gets the text so far, whenever it grows.
        """
        done = Decoded()
        spelled = ByteDecoder()
        for token in self._tokens(store, logits, piece=piece, limits=limits):
            if token is None:
                yield
                continue
            if token in self.stop_ids:
                done.finish = FinishReason.END_TOKEN
                break
            done.first_token_at = done.first_token_at or time.perf_counter()
            done.ids.append(token)
            fresh, piece = _beyond(piece, self.codec.bytes_of(token))
            grown = done.text + spelled.feed(fresh)
            stop = rule.check(grown)
            if stop is not None:
                done.text, done.finish = grown[: stop.keep], stop.reason
                return done
            if grown != done.text:
                done.text = grown
                emit(grown)
            if time.perf_counter() > limits.deadline:
                done.finish = FinishReason.TIME
                break
        return _finished(done, spelled.finish(), rule)

    def _tokens(
        self, store: KVStore, logits: torch.Tensor, *, piece: bytes, limits: Limits
    ) -> Iterator[int | None]:
        """Greedy tokens, each followed by None when its forward pass is done."""
        for index in range(limits.tokens):
            token = greedy(logits, self._agreeing(piece))
            yield token
            piece = after(piece, self.codec.bytes_of(token))
            if index + 1 < limits.tokens:
                logits = self.forward.logits(store, [token])
                yield None

    def _agreeing(self, piece: bytes) -> Sequence[int] | None:
        """The ids that may come next, or None for all; all, too, if none agrees."""
        return (self.vocabulary.agreeing(piece) or None) if piece else None


def _beyond(piece: bytes, token: bytes) -> tuple[bytes, bytes]:
    """Split a token's bytes into what reaches beyond ``piece``; and what is left of ``piece``."""
    return token[len(piece) :], after(piece, token)


def _finished(done: Decoded, rest: str, rule: StopRule) -> Decoded:
    done.text += rest
    stop = rule.check(done.text, final=True)
    if stop is not None:
        done.text, done.finish = done.text[: stop.keep], stop.reason
    elif done.finish in _CUT_SHORT:
        done.text = done.text[: whole_lines(done.text)]
    return done
