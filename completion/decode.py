"""The decoding loop: a pass of the target a step, until a rule says that it is enough.

A generator that pauses between steps, so that whoever drives it can cancel by closing it.
What was decoded is in the store by then, with its keys and values, so a store is whole at
every pause; at the end it holds all of the output but the last token, drafts or not.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field

import torch

from completion.detokenize import ByteDecoder
from completion.healing import after
from completion.records import FinishReason
from completion.sampling import Sampler
from completion.stopping import StopRule, whole_lines
from completion.tokens import TextCodec
from completion.verifying import Ask, Drafting, Verifier
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

    verifier: Verifier
    codec: TextCodec
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
        drafting: Drafting | None = None,
        sampler: Sampler | None = None,
    ) -> Generator[None, None, Decoded]:
        """Decode from ``logits`` on, pausing after each forward pass.

        The first tokens spell ``piece``. ``emit`` gets the text so far, whenever it grows. With
        ``drafting`` a pass may give several tokens, the same ones as without. Without ``sampler`` they are
        the likeliest.
        """
        done = Decoded()
        spelled = ByteDecoder()
        ask = Ask(piece, sampler)
        with closing(self._tokens(store, logits, ask, limits=limits, drafting=drafting)) as tokens:
            for token in tokens:
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
        self,
        store: KVStore,
        logits: torch.Tensor,
        ask: Ask,
        *,
        limits: Limits,
        drafting: Drafting | None,
    ) -> Generator[int | None]:
        """Tokens, and None for each pause. Whenever it ends, the store holds all of them but the last."""
        start, output = len(store), [self.verifier.first(logits, ask)]
        told = start
        try:
            yield output[0]
            if drafting is not None and limits.tokens > 1:
                yield from drafting.begin()
            while len(output) < limits.tokens:
                verdict = self.verifier.step(
                    store,
                    output,
                    ask._replace(piece=self.verifier.left(ask.piece, output)),
                    most=limits.tokens,
                    drafting=drafting,
                )
                told = start + len(output)
                yield None
                for token in verdict.output:
                    output.append(token)
                    told = start + len(output) - 1
                    yield token
        finally:
            if len(store) > told:  # accepted tokens that nobody took
                store.truncate(told)


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
