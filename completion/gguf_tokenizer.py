"""The tokenizer that a GGUF file describes, as a fast ``tokenizer.json``.

Byte-level vocabularies are built here, because how text is split before merging must be right to
the letter: a split we do not know is refused by name. There is no Unicode normalisation (as in
llama.cpp), so that decoding gives back the user's own bytes. Sentencepiece vocabularies go through
transformers' importer.

The splits are those of the models' own ``tokenizer.json`` and of llama.cpp (``llama-vocab.cpp``).
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from completion.errors import CorruptModel, UnsupportedModel
from completion.gguf_file import CONTROL_TOKEN, USER_DEFINED_TOKEN, GgufFile

_UNUSED_TOKEN = 5  # fills the matrix up to a round size

_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_DEEPSEEK_CODER = (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+")


def _split(pattern: str) -> Any:
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def _bytes(*, words: bool) -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words)


def _qwen() -> list[Any]:
    return [_split(_QWEN), _bytes(words=False)]


def _deepseek_coder() -> list[Any]:
    splits = [_split(pattern) for pattern in _DEEPSEEK_CODER]
    return [*splits, pre_tokenizers.Digits(individual_digits=True), _bytes(words=False)]


def _single_digits() -> list[Any]:
    return [pre_tokenizers.Digits(individual_digits=True), _bytes(words=True)]


def _gpt2() -> list[Any]:
    return [_bytes(words=True)]


_SPLITS: Mapping[str, Callable[[], list[Any]]] = MappingProxyType({
    "qwen2": _qwen,
    "deepseek-coder": _deepseek_coder,
    "starcoder": _single_digits,
    "refact": _single_digits,
    "smollm": _single_digits,
    "gpt-2": _gpt2,
})  # fmt: skip


def write_tokenizer(gguf: GgufFile, directory: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` into ``directory``.

    Raises UnsupportedModel for a kind of vocabulary or split we do not know, CorruptModel for one
    that contradicts itself.
    """
    kind = gguf.need("tokenizer.ggml.model")
    if kind == "gpt2":
        tokenizer = _byte_level(gguf)
    elif kind == "llama":
        tokenizer = _import_with_transformers(gguf.path)
    else:
        raise UnsupportedModel(f"The model's vocabulary is of kind {kind!r}, which is not supported.")
    (directory / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(_config(gguf), indent=2), encoding="utf-8")


def _byte_level(gguf: GgufFile) -> Tokenizer:
    split = gguf.value("tokenizer.ggml.pre", "gpt-2")
    if split not in _SPLITS:
        raise UnsupportedModel(f"The model splits text by the rule {split!r}, which is not supported.")
    tokens: list[str] = gguf.need("tokenizer.ggml.tokens")
    types: list[int] = gguf.value("tokenizer.ggml.token_type") or [1] * len(tokens)
    merges = [tuple(merge.split(" ")) for merge in gguf.need("tokenizer.ggml.merges")]
    vocabulary = {
        token: index
        for index, (token, kind) in enumerate(zip(tokens, types, strict=True))
        if kind != _UNUSED_TOKEN
    }
    try:
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False))
    except Exception as error:  # the binding raises Exception itself
        raise CorruptModel(f"The vocabulary of {gguf.path} contradicts itself ({error}).") from error
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(_SPLITS[split]())
    tokenizer.decoder = decoders.ByteLevel()
    _add_whole_tokens(tokenizer, tokens, types)
    return tokenizer


def _add_whole_tokens(tokenizer: Tokenizer, tokens: list[str], types: list[int]) -> None:
    """Control tokens are special; user-defined ones are ordinary text that is never cut."""
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL_TOKEN]
    ordinary = [token for token, kind in zip(tokens, types, strict=True) if kind == USER_DEFINED_TOKEN]
    untyped = cast(Any, tokenizer)  # the binding's lists have no element type
    untyped.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    untyped.add_tokens([AddedToken(token, normalized=False, special=False) for token in ordinary])


def _import_with_transformers(path: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    try:
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(str(path.parent), gguf_file=path.name)
    except (ValueError, KeyError, NotImplementedError) as error:
        raise UnsupportedModel(f"The model's tokenizer cannot be read ({error}).") from error
    return tokenizer.backend_tokenizer


def _config(gguf: GgufFile) -> dict[str, Any]:
    """The class is the plain one, which takes ``tokenizer.json`` as it is."""
    tokens: list[str] = gguf.need("tokenizer.ggml.tokens")
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": int(gguf.value(f"{gguf.architecture}.context_length", 2048)),
        "clean_up_tokenization_spaces": False,
    }
    for name, key in {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}.items():
        index = gguf.value(f"tokenizer.ggml.{key}_token_id")
        if index is not None and index < len(tokens):
            config[f"{name}_token"] = tokens[index]
    template = gguf.value("tokenizer.chat_template")
    return config | ({"chat_template": template} if template else {})
