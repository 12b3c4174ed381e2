"""Builds the prompt of a fill-in-the-middle request.

The append layout (EFIM) puts the last lines before the cursor, the tail, behind the middle
token, so that typing appends tokens and moves none::

    prefix-marker context prefix suffix-marker suffix middle-marker tail      (prefix first, "psm")
    suffix-marker suffix prefix-marker context prefix middle-marker tail      (suffix first, "spm")

The plain layout is the same with an empty tail. Families without a middle marker leave it out.
"""

from dataclasses import dataclass

from completion.families import FimFamily
from completion.healing import split_partial
from completion.tokens import TextCodec
from completion.window import Layout
from kvcache.spans import Role, TaggedTokens, tagged


@dataclass(frozen=True)
class Prompt:
    """Tokens, what each is there for, and the bytes decoding has to agree with."""

    tokens: TaggedTokens
    piece: bytes
    """Text already in front of the cursor that the first decoded tokens must spell."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The token ids."""
        return self.tokens.ids


@dataclass(frozen=True)
class Cut:
    """The texts of a prompt."""

    prefix: str
    suffix: str
    tail: str
    context: str = ""
    """A block of the repository, in front of the file."""


def cut(text: str, cursor: int, layout: Layout, context: str = "") -> Cut:
    """Cut the document along its layout; ``context`` stands in front of it."""
    return Cut(
        prefix=text[layout.start : layout.anchor],
        suffix=text[cursor : len(text) - layout.end_from_end],
        tail=text[layout.anchor : cursor],
        context=context,
    )


class PromptBuilder:
    """Builds prompts for one tokenizer, within a number of tokens."""

    def __init__(self, codec: TextCodec, family: FimFamily, max_tokens: int) -> None:
        """``max_tokens`` bounds a prompt. Raises NoFimTokens when a marker is missing."""
        self._codec = codec
        self._order = family.order
        self._bos = () if family.bos is None else (codec.special(family.bos),)
        self._prefix = (codec.special(family.prefix),)
        self._suffix = (codec.special(family.suffix),)
        self._middle = (codec.special(family.middle),) if family.middle else ()
        self._max_tokens = max_tokens

    def build(self, parts: Cut, *, heal: bool = True, room: int | None = None) -> Prompt:
        """The prompt for the parts; texts too long for their room lose their far ends.

        ``room`` bounds this one prompt further, in tokens. The tail and the suffix get a quarter each, the
        prefix shares the rest with the context, which gets an eighth.
        """
        most = min(room or self._max_tokens, self._max_tokens)
        quarter = most // 4
        certain, piece = split_partial(parts.tail, self._codec.last_piece) if heal else (parts.tail, "")
        context = (Role.CONTEXT, self._codec.encode(parts.context)[: most // 8])
        prefix_room = most - 2 * quarter - 4 - len(context[1])
        prefix = (Role.PREFIX, self._codec.encode(parts.prefix)[-prefix_room:])
        suffix = (Role.SUFFIX, self._codec.encode(parts.suffix)[:quarter])
        tail = (Role.TAIL, self._codec.encode(certain)[-quarter:])
        if self._order == "spm":
            runs = [self._mark(self._bos + self._suffix), suffix, self._mark(self._prefix), context, prefix]
        else:
            runs = [self._mark(self._bos + self._prefix), context, prefix, self._mark(self._suffix), suffix]
        return Prompt(tagged([*runs, self._mark(self._middle), tail]), piece.encode())

    @staticmethod
    def _mark(ids: tuple[int, ...]) -> tuple[Role, tuple[int, ...]]:
        return Role.MARKER, ids
