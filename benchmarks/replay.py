"""What a keystroke would cost by different rules: tokens to encode, counted without a model.

Ours is the product's own code (layout, prompt, plans, places, repair) over bookkeeping without
tensors. The other rules see a plain prefix-suffix-middle prompt with 256 whole lines in front of
the cursor and 64 behind it; ours sees at least as much, which is counted as well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from benchmarks.traces import TypingTrace, applied
from completion.config import CompletionConfig, EngineConfig
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
WINDOWS = CompletionConfig(prefix_chars=24_000, suffix_chars=7_000)
"""Our windows: wide enough that half of them holds those lines in the recorded session."""
BUDGETS = (8, 32)
"""Tokens repaired: the seam of one change, and what 60 ms of a CPU allow."""
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


def llama_cpp(old: Sequence[int], new: Sequence[int], *, least: int = _LLAMA_RUN) -> int:
    """``--cache-reuse 256``: the cached tokens are scanned for runs that match where the head stands."""
    head = at = common_prefix(old, new)
    while (start := _find(old, new[head : head + least], at, least)) is not None:
        run = common_prefix(old[start:], new[head:])
        head, at = head + run, start + run
    return len(new) - min(head, len(new) - 1)


def _find(old: Sequence[int], run: Sequence[int], at: int, least: int) -> int | None:
    """Where ``run``, if it has ``least`` tokens, stands first in ``old`` from ``at`` on."""
    last = len(old) - least
    while len(run) == least and at <= last:
        try:
            at = old.index(run[0], at, last + 1)
        except ValueError:
            return None
        if old[at : at + least] == run:
            return at
        at += 1
    return None


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
    """Encoded again behind the request, while idle; only by ours."""


class Seen(NamedTuple):
    """Whole lines in front of the cursor and behind it; None where the file itself ends there."""

    before: int | None
    behind: int | None


@dataclass(frozen=True)
class Count:
    """All rules on one session, and what our windows showed at each request."""

    rules: list[Counted]
    seen: list[Seen]

    def least_before(self) -> int | None:
        """The fewest lines ours ever saw in front of the cursor; None when always all there are."""
        return min((each.before for each in self.seen if each.before is not None), default=None)

    def least_behind(self) -> int | None:
        """The same behind it."""
        return min((each.behind for each in self.seen if each.behind is not None), default=None)


def count(
    trace: TypingTrace,
    first: int,
    last: int,
    *,
    tokenizer: Path,
    config: CompletionConfig = WINDOWS,
    places: int = EngineConfig().places,
    budgets: Sequence[int] = BUDGETS,
) -> Count:
    """Replay the transactions ``[first, last)``, one request behind each."""
    codec = TextCodec(Tokenizer.from_file(str(tokenizer)))
    plain, shown = _Plain(codec), Shown(codec, config)
    others = [Counted(name) for name in RULES]
    ours = [Replayed(codec, replace(config, repair_tokens=budget), places) for budget in budgets]
    cached: tuple[int, ...] = ()
    for number, (text, cursor) in enumerate(_requests(trace, first, last)):
        ids, wanted = plain.prompt(text, cursor), shown.prompt(text, cursor)
        counted = number > 0  # the opening is the same for all
        for each in ours:
            each.request(wanted, counted=counted)
        if counted:
            for each in others:
                each.encoded.append(RULES[each.name](cached, ids))
                each.prompt.append(len(ids))
        cached = ids
    return Count([*others, *(each.counted for each in ours)], shown.seen)


def _requests(trace: TypingTrace, first: int, last: int) -> Iterator[tuple[str, int]]:
    text = trace.text_before(first)
    yield text, trace.transactions[first][0].position
    for patches in trace.transactions[first:last]:
        text = applied(text, patches)
        yield text, patches[-1].cursor


class _Plain:
    """Prompts in the plain layout, windows counted in lines."""

    def __init__(self, codec: TextCodec) -> None:
        self._codec = codec
        self._markers = tuple(map(codec.special, detect_family(codec.special_tokens).markers))

    def prompt(self, text: str, cursor: int) -> tuple[int, ...]:
        before = "".join(text[:cursor].splitlines(keepends=True)[-BEFORE_LINES - 1 :])
        behind = "".join(text[cursor:].splitlines(keepends=True)[: BEHIND_LINES + 1])
        opening, middle, end = self._markers
        return (opening, *self._codec.encode(before), middle, *self._codec.encode(behind), end)


class Shown:
    """Our prompts for one document, and how many lines they show."""

    def __init__(self, codec: TextCodec, config: CompletionConfig) -> None:
        self.seen: list[Seen] = []
        self._config = config
        self._layout: Layout | None = None
        self._prompts = PromptBuilder(codec, detect_family(codec.special_tokens), _ROOM)

    def prompt(self, text: str, cursor: int) -> TaggedTokens:
        self._layout = layout = lay_out(text, cursor, self._layout, self._config)
        self.seen.append(seen(text, cursor, layout))
        return self._prompts.build(cut(text, cursor, layout)).tokens


def seen(text: str, cursor: int, layout: Layout) -> Seen:
    """What the windows show. A line that is cut counts for nothing, nor does the cursor's own."""
    start, end = layout.start, len(text) - layout.end_from_end
    broken = start > 0 and text[start - 1] != "\n"
    return Seen(
        max(0, text.count("\n", start, cursor) - broken) if start else None,
        max(0, text.count("\n", cursor, end) - 1) if layout.end_from_end else None,
    )


class Replayed:
    """The product's caching of one document, without tensors."""

    def __init__(self, codec: TextCodec, config: CompletionConfig, places: int) -> None:
        self.counted = Counted(f"Splice, {config.repair_tokens} repaired")
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

    def request(self, wanted: TaggedTokens, *, counted: bool) -> None:
        """Encode what must be for ``wanted``, then refresh all of it."""
        owner, plan = self._planner.take("", wanted, "auto")
        sequence = self._pool.use(owner)
        sequence.apply(plan)
        sequence.encoded(plan.compute)
        stale = range(sequence.exact, len(sequence))
        sequence.encoded(stale)
        if counted:
            self.counted.encoded.append(plan.cost)
            self.counted.prompt.append(len(wanted))
            self.counted.refreshed.append(len(stale))


class _Bookkeeping:
    """What the planner needs of a pool, over sequences without tensors."""

    def __init__(self) -> None:
        self.sequences: dict[str, CachedSequence] = {}

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(self.sequences)

    def held(self, _: str) -> dict[str, Held]:
        return {owner: Held(each.tokens, each.exact) for owner, each in self.sequences.items()}

    def copy(self, source: str, target: str) -> bool:
        self.sequences[target] = self.sequences[source].copy()
        return True

    def use(self, owner: str) -> CachedSequence:
        """The sequence, a new one at first, as the one used last."""
        found = self.sequences.pop(owner, None)
        self.sequences[owner] = CachedSequence(_ROOM) if found is None else found
        return self.sequences[owner]
