"""What a keystroke would cost by different rules: tokens to encode, counted without a model.

Ours is the product's own code (layout, prompt, plans, places, repair) over bookkeeping without
tensors. The other rules see a plain prefix-suffix-middle prompt with 256 whole lines in front of
the cursor and 64 behind it; ours sees at least as much.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from benchmarks.traces import TypingTrace, applied
from completion.config import CompletionConfig
from completion.costs import StepCosts
from completion.families import detect_family
from completion.prompt import PromptBuilder, cut
from completion.reuse import Planner
from completion.tokens import TextCodec
from completion.window import Layout, lay_out
from kvcache.matching import common_prefix, matches
from kvcache.places import Held
from kvcache.sequence import CachedSequence
from kvcache.spans import TaggedTokens

BEFORE_LINES, BEHIND_LINES = 256, 64
_LLAMA_RUN = 256
_ROOM = 1 << 16

Rule = Callable[[Sequence[int], Sequence[int]], int]
"""Tokens to encode for the new prompt, given the cached one."""


def full(_: Sequence[int], new: Sequence[int]) -> int:
    """Everything."""
    return len(new)


def prefix(old: Sequence[int], new: Sequence[int]) -> int:
    """All behind the common prefix."""
    return len(new) - min(common_prefix(old, new), len(new) - 1)


def llama_cpp(old: Sequence[int], new: Sequence[int]) -> int:
    """``--cache-reuse 256``: the cached tokens are scanned for runs that match where the head stands."""
    head = at = common_prefix(old, new)
    while at < len(old) and head < len(new):
        run = common_prefix(old[at:], new[head:])
        if run >= _LLAMA_RUN:
            head, at = head + run, at + run
        else:
            at += 1
    return len(new) - min(head, len(new) - 1)


def pie(old: Sequence[int], new: Sequence[int]) -> int:
    """Every run of equal tokens is kept, wherever it moved (arXiv 2407.03157)."""
    kept = sum(run.length for run in matches(tuple(old), tuple(new)))
    return len(new) - min(kept, len(new) - 1)


RULES: dict[str, Rule] = {
    "full recomputation": full,
    "prefix reuse": prefix,
    "llama.cpp --cache-reuse 256": llama_cpp,
    "PIE as published": pie,
}


@dataclass
class Counted:
    """Tokens encoded by one rule, a number a request."""

    name: str
    encoded: list[int] = field(default_factory=list[int])
    prompt: list[int] = field(default_factory=list[int])
    refreshed: list[int] = field(default_factory=list[int])
    """Encoded again behind the request, while idle."""


def count(
    trace: TypingTrace, first: int, last: int, *, tokenizer: Path, config: CompletionConfig, places: int
) -> list[Counted]:
    """Replay the transactions ``[first, last)``, one request behind each."""
    codec = TextCodec(Tokenizer.from_file(str(tokenizer)))
    family = detect_family(codec.special_tokens)
    plain = _Plain(codec, tuple(codec.special(marker) for marker in family.markers))
    ours = Replayed(codec, config, places)
    others = [Counted(name) for name in RULES]
    cached: tuple[int, ...] = ()
    for number, (text, cursor) in enumerate(_requests(trace, first, last)):
        ids = plain.prompt(text, cursor)
        ours.request(text, cursor)
        if number:  # the opening is the same for all
            for counted in others:
                counted.encoded.append(RULES[counted.name](cached, ids))
                counted.prompt.append(len(ids))
        cached = ids
    ours.counted.encoded.pop(0)
    ours.counted.prompt.pop(0)
    ours.counted.refreshed.pop(0)
    return [*others, ours.counted]


def _requests(trace: TypingTrace, first: int, last: int) -> Iterator[tuple[str, int]]:
    text = trace.text_before(first)
    yield text, trace.transactions[first][0].position
    for patches in trace.transactions[first:last]:
        text = applied(text, patches)
        yield text, patches[-1].cursor


@dataclass
class _Plain:
    """Prompts in the plain layout, windows counted in lines."""

    codec: TextCodec
    markers: tuple[int, ...]

    def prompt(self, text: str, cursor: int) -> tuple[int, ...]:
        before = "".join(text[:cursor].splitlines(keepends=True)[-BEFORE_LINES - 1 :])
        behind = "".join(text[cursor:].splitlines(keepends=True)[: BEHIND_LINES + 1])
        opening, middle, end = self.markers
        return (opening, *self.codec.encode(before), middle, *self.codec.encode(behind), end)


class Replayed:
    """The product's caching of one document, without tensors."""

    def __init__(self, codec: TextCodec, config: CompletionConfig, places: int) -> None:
        self.counted = Counted("Splice")
        self._config = config
        self._layout: Layout | None = None
        self._prompts = PromptBuilder(codec, detect_family(codec.special_tokens), _ROOM)
        self._pool = _Bookkeeping()
        pool: Any = self._pool
        self._planner = Planner(
            pool=pool,
            costs=StepCosts(2e-3),
            config=config,
            movable=True,
            places=places,
            bytes_of=codec.bytes_of,
        )

    def request(self, text: str, cursor: int) -> None:
        """Ask at ``cursor`` and count what must be encoded; refresh behind it."""
        self._layout = lay_out(text, cursor, self._layout, self._config)
        tokens = self._prompts.build(cut(text, cursor, self._layout)).tokens
        owner, plan = self._planner.take("", tokens, "auto")
        sequence = self._pool.sequences.setdefault(owner, CachedSequence(_ROOM))
        self._pool.use(owner)
        sequence.apply(plan)
        sequence.encoded(plan.compute)
        stale = range(sequence.exact, len(sequence))
        sequence.encoded(stale)
        self.counted.encoded.append(plan.cost)
        self.counted.prompt.append(len(tokens))
        self.counted.refreshed.append(len(stale))


class _Bookkeeping:
    """What the planner needs of a pool, over sequences without tensors."""

    def __init__(self) -> None:
        self.sequences: dict[str, CachedSequence] = {}

    def held(self, _: str) -> dict[str, Held]:
        return {owner: Held(each.tokens, each.exact) for owner, each in self.sequences.items()}

    def copy(self, source: str, target: str) -> bool:
        self.sequences[target] = self.sequences[source].copy()
        return True

    def use(self, owner: str) -> None:
        self.sequences[owner] = self.sequences.pop(owner)


def empty() -> TaggedTokens:
    return TaggedTokens()
