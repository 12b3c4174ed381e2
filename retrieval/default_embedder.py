"""The embeddings that an index has unless another is asked for: static vectors, made once and kept."""

import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from retrieval.errors import EmbeddingFailed
from retrieval.static_vectors import OnMade, StaticEmbedder, distil

_CODE_CHARACTERS = 8_000_000
"""Of the standard library that are counted at most."""


class FileTokenizer:
    """The tokenizer of a model's directory, without the model. It works in the thread that calls it."""

    def __init__(self, directory: Path) -> None:
        """Raises EmbeddingFailed where there is no ``tokenizer.json`` that can be read."""
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as error:  # the tokenizers library raises nothing narrower
            raise EmbeddingFailed(f"{directory} holds no tokenizer that can be read: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, whole and without special tokens."""
        return [self._tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def static_embedder(directory: Path, kept: Path, *, on_made: OnMade | None = None) -> StaticEmbedder:
    """The token vectors in ``kept``, for the sentence-embedding model in ``directory``.

    Where the file is missing or damaged they are distilled anew, which takes a minute, and kept.
    ``on_made`` is told how many of how many are made. Raises EmbeddingFailed for a directory without a
    model or tokenizer.
    """
    tokenizer = FileTokenizer(directory)
    try:
        return StaticEmbedder.load(kept, tokenizer)
    except EmbeddingFailed:
        from retrieval.encoders import TransformerEmbedder  # imports torch, which takes seconds

        model = TransformerEmbedder(directory)
        made = distil(model, tokenizer, standard_library(), on_made=on_made)
        made.save(kept)
        return made


def standard_library() -> Iterator[str]:
    """Source text that every installation has: what tells how common a token is in code."""
    left = _CODE_CHARACTERS
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = file.read_text("utf-8", errors="replace")[:left]
        left -= len(text)
        if text:
            yield text
