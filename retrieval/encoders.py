"""Sentence-embedding models of the BERT family, from a directory (Reimers and Gurevych, EMNLP 2019).

The directory is laid out as sentence-transformers does: a transformers model in safetensors, its tokenizer,
and how its states are pooled in ``1_Pooling/config.json``. Nothing in it is run as code.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from retrieval.embed import Vectors, normalised
from retrieval.errors import EmbeddingFailed
from retrieval.words import spaced

MAX_TOKENS = 256
"""Of a text that are read; the rest of it is not seen."""
_BATCH = 16
"""Texts at once. More gain nothing on a CPU and hold the processor longer."""
_POOLED = MappingProxyType({"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"})

_models: Any = AutoModel
_tokenizers: Any = AutoTokenizer
"""transformers without its types, which are partly unknown."""


class TransformerEmbedder:
    """A sentence-embedding model, in float32 on the CPU. Deterministic; a call changes nothing."""

    def __init__(self, directory: Path, *, max_tokens: int = MAX_TOKENS) -> None:
        """Raises EmbeddingFailed for a directory that holds no model of this kind."""
        transformers_logging.disable_progress_bar()
        try:
            self._pooling = _pooling_of(directory)
            self._tokenizer = _tokenizers.from_pretrained(directory, local_files_only=True)
            self._model = _models.from_pretrained(
                directory, dtype=torch.float32, local_files_only=True, use_safetensors=True
            ).eval()
        except (OSError, ValueError, KeyError) as error:
            raise EmbeddingFailed(
                f"{directory} holds no embedding model that can be read: {error}"
            ) from error
        self._max_tokens = min(max_tokens, int(self._model.config.max_position_embeddings))
        self.name = f"{_fingerprint(directory)}-{self._pooling}-{self._max_tokens}"
        self.dimension = int(self._model.config.hidden_size)
        self.vocabulary = min(len(self._tokenizer), int(self._model.config.vocab_size))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors ``[n, dimension]`` of length 1; texts of like length are read together."""
        rows = [self._ids(text) for text in texts]
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for some in _by_length([len(row) for row in rows]):
            vectors[some] = self._states([rows[index] for index in some])
        return normalised(vectors)

    def embed_query(self, text: str) -> Vectors:
        """The vector ``[dimension]`` of a question; for these models a text like any other."""
        return self.embed([text])[0]

    def embed_tokens(self, ids: Sequence[int]) -> Vectors:
        """What the model makes of each token alone, ``[n, dimension]``, not normalised."""
        frame = self._ids("")
        middle = len(frame) // 2
        return self._states([[*frame[:middle], index, *frame[middle:]] for index in ids])

    def _ids(self, text: str) -> list[int]:
        """With special tokens, at most as many as are read; one text at a time keeps to one thread."""
        read = self._tokenizer(spaced(text), truncation=True, max_length=self._max_tokens)
        return cast("list[int]", read["input_ids"])

    @torch.inference_mode()
    def _states(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Pooled states of rows of token ids, padded to the longest."""
        longest = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        if self._pooling == "cls":
            return states[:, 0].numpy()
        seen = mask[:, :, None].to(states.dtype)
        return ((states * seen).sum(1) / seen.sum(1)).numpy()


def _by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches, shortest first."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


def _pooling_of(directory: Path) -> str:
    """``cls`` or ``mean``; mean where nothing is said. Raises ValueError for another kind."""
    file = directory / "1_Pooling" / "config.json"
    if not file.is_file():
        return "mean"
    config = json.loads(file.read_text("utf-8"))
    chosen = [name for name, value in config.items() if name.startswith("pooling_mode_") and value is True]
    if len(chosen) != 1 or chosen[0] not in _POOLED:
        raise ValueError(f"it pools by {', '.join(chosen) or 'nothing'}, which is not known here")
    return _POOLED[chosen[0]]


def _fingerprint(directory: Path) -> str:
    """Of the weights and the tokenizer: the same files give the same vectors."""
    digest = hashlib.sha256()
    for file in sorted([*directory.glob("*.safetensors"), *directory.glob("tokenizer.json")]):
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]
