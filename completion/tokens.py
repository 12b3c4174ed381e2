"""Text to token ids and token ids to bytes.

Text is never read as special tokens: the codec encodes with a copy of the tokenizer that
has none, so ``<|fim_middle|>`` in a user's file becomes ordinary tokens. Specials are asked
for by name.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import Tokenizer

from completion.errors import NoFimTokens, UnsupportedModel
from completion.segments import SURROGATE, CutRule, Segments, choose_rule

_MARKER = re.compile(r"\u2581?<.*>|\[.*\]", re.DOTALL)
"""What added tokens look like that stand for no text, even where they are not flagged special."""

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_REMEMBERED = 64


class TextCodec:
    """Encodes text and spells out tokens for one tokenizer.

    Remembers the last encoded texts, so the unchanged parts of a prompt cost nothing, and their
    lines, so a keystroke costs a line. Lives on the engine thread.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Raises UnsupportedModel for a tokenizer whose tokens cannot be spelled as bytes."""
        spec: dict[str, Any] = json.loads(tokenizer.to_str())
        added: dict[int, str] = {entry["id"]: entry["content"] for entry in spec["added_tokens"]}
        self._special = {
            entry["content"]: int(entry["id"])
            for entry in spec["added_tokens"]
            if entry["special"] or _MARKER.fullmatch(entry["content"])
        }
        plain = _without_specials(spec)
        self._plain = Tokenizer.from_str(json.dumps(plain))
        self._rule = choose_rule(self._plain, plain)
        self._segments = Segments(self._encode_whole, self._rule)
        spell = spell_bytes if _is_byte_level(spec) else spell_pieces
        self._bytes = [spell(token) if token else b"" for token in _vocabulary(tokenizer)]
        for index, content in added.items():
            self._bytes[index] = b"" if content in self._special else content.encode()
        self._seen: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def __len__(self) -> int:
        """Tokens of the vocabulary, specials among them."""
        return len(self._bytes)

    @property
    def cut_rule(self) -> CutRule:
        """Where texts are cut to be tokenised in segments."""
        return self._rule

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of every special token."""
        return frozenset(self._special.values())

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """Every special token's text."""
        return tuple(self._special)

    def special(self, token: str) -> int:
        """The id of a special token. Raises NoFimTokens when there is none of that name."""
        if token not in self._special:
            raise NoFimTokens(f"The tokenizer has no token {token}.")
        return self._special[token]

    def find(self, token: str) -> int | None:
        """The id of a special token or of a vocabulary entry of that spelling; None without one."""
        return self._special.get(token, self._plain.token_to_id(token))

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of ``text`` as ordinary text. A lone surrogate reads as U+FFFD."""
        known = self._seen.get(text)
        if known is None:
            known = self._segments.encode(text)
            self._seen[text] = known
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(text)
        return known

    def _encode_whole(self, text: str) -> list[int]:
        return self._plain.encode(text, add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text as ordinary text, on all cores; for much text. None is remembered."""
        plain = [SURROGATE.sub("\ufffd", text) for text in texts]
        return [each.ids for each in self._plain.encode_batch(plain, add_special_tokens=False)]

    def bytes_of(self, token: int) -> bytes:
        """The bytes a token stands for; empty for specials and padding ids."""
        return self._bytes[token] if token < len(self._bytes) else b""

    def vocabulary(self) -> Iterator[tuple[bytes, int]]:
        """Every ordinary token as ``(bytes, id)``."""
        return ((spelled, index) for index, spelled in enumerate(self._bytes) if spelled)

    def spellings(self) -> tuple[bytes, ...]:
        """Every token by its id, specials by name: equal for tokenizers that mean the same by an id."""
        named = {index: token.encode() for token, index in self._special.items()}
        return tuple(named.get(index) or spelled for index, spelled in enumerate(self._bytes))

    def last_piece(self, line: str) -> int:
        """Where the last pre-token of ``line`` begins. Code points; ``len(line)`` without one.

        When that is a word or a run of blanks, more text can change the tokens only from there on.
        """
        splitter = self._plain.pre_tokenizer
        if splitter is None:
            return 0
        pieces = splitter.pre_tokenize_str(SURROGATE.sub("\ufffd", line))
        return pieces[-1][1][0] if pieces else len(line)


def spell_bytes(token: str) -> bytes:
    """The bytes of a vocabulary entry in byte-level spelling; empty for a padding entry."""
    if any(char not in _BYTE_LEVEL for char in token):
        return b""
    return bytes(_BYTE_LEVEL[char] for char in token)


def spell_pieces(token: str) -> bytes:
    """The bytes of a vocabulary entry in sentencepiece spelling."""
    byte = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.replace("\u2581", " ").encode()


def _is_byte_level(spec: dict[str, Any]) -> bool:
    """Whether the tokenizer's decoder undoes the byte-level alphabet."""
    decoder: dict[str, Any] = spec.get("decoder") or {}
    return "ByteLevel" in [decoder.get("type"), *(part["type"] for part in decoder.get("decoders", []))]


def _vocabulary(tokenizer: Tokenizer) -> list[str]:
    """Every entry by its id; empty where an id has none."""
    by_id = {index: token for token, index in tokenizer.get_vocab().items()}
    return [by_id.get(index, "") for index in range(max(by_id) + 1)]


def _make_byte_level() -> dict[str, int]:
    """GPT-2's printable stand-ins for bytes (Radford et al. 2019, ``bytes_to_unicode``)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(256 + index): byte for index, byte in enumerate(others)})
    return table


_BYTE_LEVEL = _make_byte_level()


def _without_specials(spec: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer description with no special tokens and no space put before a text."""
    model: dict[str, Any] = spec["model"]
    if model["type"] not in {"BPE", "Unigram"}:
        raise UnsupportedModel(f"Tokenizers of type {model['type']} cannot be spelled as bytes.")
    return {
        **spec,
        "added_tokens": [],
        "post_processor": None,
        "truncation": None,
        "padding": None,
        "normalizer": _no_prepend(spec.get("normalizer")),
        "pre_tokenizer": _no_prepend(spec.get("pre_tokenizer")),
    }


def _no_prepend(part: dict[str, Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    kind = part.get("type")
    if kind == "Prepend":
        return None
    if kind == "Metaspace":
        return {**part, "prepend_scheme": "never"}
    if kind == "ByteLevel":
        return {**part, "add_prefix_space": False}
    for inner in ("normalizers", "pretokenizers"):
        if inner in part:
            kept = [_no_prepend(each) for each in part[inner]]
            return {**part, inner: [each for each in kept if each is not None]}
    return part
