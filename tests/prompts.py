"""Random prompts as tagged tokens, and what editing makes of them, for Hypothesis."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from kvcache.spans import Role, TaggedTokens, tagged

MARKERS = (90, 91, 92)
"""In front of the prefix, of the suffix and of the tail; no text holds them."""


@dataclass(frozen=True)
class Parts:
    """A document as a prompt shows it, and a block of context in front of its prefix."""

    context: tuple[int, ...] = ()
    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    tail: tuple[int, ...] = ()
    suffix_first: bool = False

    @property
    def prompt(self) -> TaggedTokens:
        """The prompt's tokens."""
        prefix = [(Role.MARKER, MARKERS[:1]), (Role.CONTEXT, self.context), (Role.PREFIX, self.prefix)]
        suffix = [(Role.MARKER, MARKERS[1:2]), (Role.SUFFIX, self.suffix)]
        text = suffix + prefix if self.suffix_first else prefix + suffix
        return tagged([*text, (Role.MARKER, MARKERS[2:]), (Role.TAIL, self.tail)])


def roles(tokens: TaggedTokens) -> list[tuple[int, Role]]:
    """Every token with its role: a simple list to compare with."""
    return [(tokens.ids[at], span.role) for span in tokens.spans for at in range(span.start, span.stop)]


def texts(most: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Runs of tokens, a few at random or slices of one long text, so that equal runs are frequent."""
    some = st.lists(st.integers(0, 4), max_size=min(most, 12)).map(tuple)
    slices = st.tuples(st.integers(0, 40), st.integers(0, most)).map(_slice)
    return st.one_of(some, slices)


def _slice(where: tuple[int, int]) -> tuple[int, ...]:
    start, length = where
    return tuple(at * at % 61 for at in range(start, start + length))


@st.composite
def documents(draw: st.DrawFn, most: int = 40) -> Parts:
    """Any document."""
    return Parts(
        context=draw(st.one_of(st.just(()), texts(most // 2))),
        prefix=draw(texts(most)),
        suffix=draw(texts(most)),
        tail=draw(texts(8)),
        suffix_first=draw(st.booleans()),
    )


@st.composite
def edits(draw: st.DrawFn) -> Callable[[Parts], Parts]:
    """What a user does between two requests, as a function of the document."""
    where, gone, come = draw(st.floats(0, 1)), draw(st.integers(0, 12)), draw(texts(12))
    part = draw(st.sampled_from(["context", "prefix", "suffix", "tail"]))

    def edit(parts: Parts) -> Parts:
        old: tuple[int, ...] = getattr(parts, part)
        at = round(where * len(old))
        return replace(parts, **{part: old[:at] + come + old[at + gone :]})

    def jump(parts: Parts) -> Parts:
        text = parts.prefix + parts.tail + parts.suffix
        at = round(where * len(text))
        anchor = max(0, at - gone)
        return replace(parts, prefix=text[:anchor], tail=text[anchor:at], suffix=text[at:])

    def type_on(parts: Parts) -> Parts:
        return replace(parts, tail=parts.tail + come)

    return draw(st.sampled_from([edit, edit, jump, type_on]))


@st.composite
def histories(draw: st.DrawFn, *, most: int = 40, length: int = 6) -> list[Parts]:
    """A document, and what it becomes; some steps are undone, some make several edits at once."""
    found = [draw(documents(most))]
    for step in draw(st.lists(st.one_of(st.none(), st.lists(edits(), max_size=3)), max_size=length)):
        if step is None:
            found.append(found[max(0, len(found) - 2)])
            continue
        parts = found[-1]
        for edit in step:
            parts = edit(parts)
        found.append(parts)
    return found
