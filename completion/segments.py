"""Tokenises only what was touched: a text is cut where no token spans, each segment is remembered.

Where a cut is safe depends on the tokenizer. ``|`` marks the cuts in ``x(\\n\\n    y``::

    lines     x(\\n\\n|    y    patterns with ``\\s*[\\r\\n]+``: Qwen, Llama 3, DeepSeek; sentencepiece
    slashes   the same, but never in front of ``/``: patterns with ``[\\r\\n/]*`` (o200k, Tekken)
    breaks    x(|\\n\\n    y    ``\\s+(?!\\S)`` reaches over line ends: GPT-2, StarCoder
    flush     only in front of a line that is not indented

A cut has plain ASCII on both sides: there no normaliser composes, and all regex flavours agree on
what is a space. :func:`choose_rule` takes the first rule that holds for a tokenizer, with one of
two reasons:

- Merging never leaves a pre-token (Sennrich et al. 2016), so it is enough that the pre-tokens of
  a text are those of its segments. This is tried on texts that have kinds of characters, kinds of
  line breaks, indentation and all of ASCII next to each other.
- Without pre-tokens a token spans a cut only if the vocabulary has one that does.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from typing import Any

from tokenizers import Tokenizer

SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_TOKEN = re.compile(r"<0x([0-7][0-9A-F])>")
_BLANK_ASCII = "\t\n "
_VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_MAX_COST = 1 << 21
_ENTRY_COST = 64
"""Code points that a remembered segment counts for on top of its own."""


@dataclass(frozen=True)
class CutRule:
    """Where a text may be cut; a rule without a pattern never cuts."""

    name: str
    pattern: str = ""
    """Begins with a literal character, which makes the search fast."""
    behind: bool = True
    """Whether the cut is behind the match or in front of it."""
    spanning: str = ""
    """Matches a vocabulary entry that would span a cut. Empty: no vocabulary makes it safe."""

    def segments(self, text: str) -> list[str]:
        """The segments of ``text``, none of them empty. Joined they are the text."""
        if not self.pattern:
            return [text] if text else []
        cuts = [match.span()[self.behind] for match in re.finditer(self.pattern, text)]
        return [text[start:end] for start, end in pairwise([0, *cuts, len(text)]) if start < end]


WHOLE = CutRule("whole")
RULES: tuple[CutRule, ...] = (
    CutRule("lines", r"\n(?=[ \t]*[!-~])", spanning=r"\n[ \t!-~]"),
    CutRule("slashes", r"\n(?=[ \t]+[!-~]|[!-.0-~])"),
    CutRule("breaks", r"\n(?<=[!-~]\n)|\r(?<=[!-~]\r)(?=\n)", behind=False),
    CutRule("flush", r"\n(?=[!-~])", spanning=r"\n[!-~]"),
    CutRule("flush, slashes", r"\n(?=[!-.0-~])"),
)
"""The finest rules first."""


class Segments:
    """Encodes a text segment by segment and remembers the segments' ids, the last used longest."""

    def __init__(
        self, encode: Callable[[str], Iterable[int]], rule: CutRule, *, max_cost: int = _MAX_COST
    ) -> None:
        """``encode`` has to give the same for a text and its segments; ``max_cost`` in code points."""
        self._encode = encode
        self._rule = rule
        self._known: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._room = max_cost

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of ``text``. A lone surrogate reads as U+FFFD."""
        ids: list[int] = []
        known, touch = self._known.get, self._known.move_to_end
        for segment in self._rule.segments(text):
            found = known(segment)
            if found is None:
                found = self._learn(segment)
            else:
                touch(segment)
            ids += found
        return tuple(ids)

    def _learn(self, segment: str) -> tuple[int, ...]:
        ids = tuple(self._encode(SURROGATE.sub("\ufffd", segment)))
        self._known[segment] = ids
        self._room -= len(segment) + _ENTRY_COST
        while self._room < 0:
            self._room += len(self._known.popitem(last=False)[0]) + _ENTRY_COST
        return ids


def choose_rule(tokenizer: Tokenizer, spec: dict[str, Any]) -> CutRule:
    """The finest rule that holds for a tokenizer without special tokens; WHOLE when none does.

    ``spec`` is the tokenizer's own description, as in ``tokenizer.json``. Takes some tenths of a second.
    """
    return next((rule for rule in RULES if _holds(rule, tokenizer, spec)), WHOLE)


def _holds(rule: CutRule, tokenizer: Tokenizer, spec: dict[str, Any]) -> bool:
    proven = _keeps_ascii(tokenizer) and _never_spans(rule, spec)
    for text in PROBES:
        segments = rule.segments(text)
        if proven:
            agree = _agree(partial(_normalized, tokenizer), text, segments)
            agree = agree and _agree(partial(_ids, tokenizer), text, segments)
        else:
            agree = _agree(partial(_pre_tokens, tokenizer), text, segments)
        if not agree:
            return False
    return True


def _agree(parts: Callable[[str], Iterable[Any]], text: str, segments: list[str]) -> bool:
    return list(parts(text)) == [part for segment in segments for part in parts(segment)]


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def _normalized(tokenizer: Tokenizer, text: str) -> str:
    return tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text


def _pre_tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    normal = _normalized(tokenizer, text)
    splitter = tokenizer.pre_tokenizer
    return [piece for piece, _ in splitter.pre_tokenize_str(normal)] if splitter else [normal]


def _never_spans(rule: CutRule, spec: dict[str, Any]) -> bool:
    """Whether no token can span a cut, by the vocabulary of a tokenizer that has no pre-tokens.

    A merged token is an entry of the vocabulary, and spells both characters beside the cut. That
    they are not left out or fused as unknown takes a vocabulary with all of ASCII.
    """
    model: dict[str, Any] = spec["model"]
    if not rule.spanning or not _merges_only(model) or not _splits_at_spaces_at_most(spec["pre_tokenizer"]):
        return False
    entries = {_read(entry, bytes_too=model["byte_fallback"]) for entry in model["vocab"]}
    spans = re.compile(rule.spanning).search
    return entries.issuperset(_BLANK_ASCII + _VISIBLE_ASCII) and not any(map(spans, entries))


def _merges_only(model: dict[str, Any]) -> bool:
    """Whether merges alone make the tokens.

    Unigram models are left out: their sums of scores are rounded, and a near tie may turn out
    otherwise in a longer text.
    """
    more = ("dropout", "ignore_merges", "end_of_word_suffix", "continuing_subword_prefix")
    return model["type"] == "BPE" and not any(model.get(key) for key in more)


def _splits_at_spaces_at_most(splitter: dict[str, Any] | None) -> bool:
    if splitter is None:
        return True
    return splitter["type"] == "Metaspace" and splitter["replacement"] == "\u2581"


def _read(entry: str, *, bytes_too: bool) -> str:
    """A vocabulary entry in sentencepiece spelling as text; bytes beyond ASCII stay as they are."""
    text = _BYTE_TOKEN.sub(lambda byte: chr(int(byte[1], 16)), entry) if bytes_too else entry
    return text.replace("\u2581", " ")


def _keeps_ascii(tokenizer: Tokenizer) -> bool:
    """Whether the normaliser does no more to ASCII than to spell a space as U+2581."""
    text = _BLANK_ASCII + "  x\n".join(_VISIBLE_ASCII) + _BLANK_ASCII
    return _normalized(tokenizer, text).replace("\u2581", " ") == text


def _probes() -> Iterator[str]:
    """Every kind of character, line break, indentation and ASCII character next to each other."""
    letters, marks = (
        ("x", "7", "\u00e9", "\u6f22", "\u0663", "\u0301"),
        ("(", "/", "'", "+", "_", "\u00ab", "\U0001f600"),
    )
    blanks = (" ", "\t", "\r", "\u00a0", "\u2028", "\u0085", "\u200b", "\x0b", "\x1f")
    breaks = ("\n", "\r\n", "\n\n", "\n \n", "\n\t\r\n", "\n\u2028\n", "\n\u00a0", "\n\u0301")
    yield from ("\n", "\n\n  x", "  \n  \n", "x\n", "x\n    ", "x\n\n", "\r\nx\r\n\r\n  y", "x \n \n\ty \n")
    yield "".join(map("".join, product("x(", ("\n", "\n" * 40, "\n" + " " * 99), ("", "\n", "  "), "x/")))
    yield "".join(map("".join, product("x(", ("", *blanks), breaks, ("", "    "), "x(")))
    yield "".join(map("".join, product((*letters, *marks), breaks, ("", "\t"), "x7(")))
    yield "".join(map("".join, product("x7'(/+", "\n", ("", " ", "  "), _VISIBLE_ASCII)))


PROBES = tuple(_probes())
