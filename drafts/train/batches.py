"""Batches as a pure function of the step: nothing is left to remember for whoever resumes.

A :class:`Batch` holds words of the draft's vocabulary, rows padded on the right. Padding needs no mask:
it comes behind all that is learnt, and attention looks back only.
"""

import bisect
import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from drafts.train.corpus import Document
from drafts.train.samples import FimIds, Sample, cut_middle, fim_sample, text_sample, window
from drafts.vocabulary import Vocabulary

IGNORED = -100
"""The label of what is not learnt; torch's default."""


class Codec(Protocol):
    """Turns text into tokens, never into special ones; ``completion.tokens.TextCodec`` is one."""

    def __len__(self) -> int:
        """Tokens of the vocabulary."""
        ...

    def bytes_of(self, token: int, /) -> bytes:
        """The bytes of a token; empty for specials."""
        ...

    def encode_batch(self, texts: Sequence[str], /) -> list[list[int]]:
        """The tokens of every text."""
        ...


class Batch(NamedTuple):
    """``words`` and ``labels`` int64 ``[rows, length]``: the label of a word is the word behind it."""

    words: NDArray[np.int64]
    labels: NDArray[np.int64]


class Batches(Protocol):
    """A stream of batches that can be entered anywhere."""

    def at(self, step: int) -> Batch:
        """The batch of a step; always the same one."""
        ...


def batch_of(samples: Sequence[Sample], length: int, vocabulary: Vocabulary) -> Batch:
    """The samples in rows of ``length`` words; a token that is no word is read, but never learnt."""
    words = np.zeros((len(samples), length), np.int64)
    labels = np.full((len(samples), length), IGNORED, np.int64)
    for row, sample in enumerate(samples):
        ids = np.asarray(sample.ids[: length + 1], np.int64)
        read = vocabulary.read(ids)
        learnt = vocabulary.says(ids) & (np.arange(len(ids)) >= sample.learn_from)
        words[row, : len(ids) - 1] = read[:-1]
        labels[row, : len(ids) - 1] = np.where(learnt, read, IGNORED)[1:]
    return Batch(words, labels)


@dataclass(frozen=True)
class Mixture:
    """How documents become samples."""

    length: int
    rows: int
    seed: int
    fim: float
    """Share of the samples that are fill-in-the-middle; the others are plain text."""
    prose: float
    """Share of the samples taken from prose, where there is any."""


class _Parts(NamedTuple):
    """One text, or prefix, middle and suffix; and whether the document ends with them."""

    texts: tuple[str, ...]
    is_end: bool


class DocumentBatches:
    """Batches of random places of the documents: each character is as likely as any of its kind."""

    def __init__(
        self,
        documents: Sequence[Document],
        codec: Codec,
        *,
        fim: FimIds,
        mixture: Mixture,
        vocabulary: Vocabulary,
    ) -> None:
        """At least one document."""
        self._kinds = [kind for kind in (_texts(documents, "prose"), _texts(documents, "code")) if kind]
        self._ends = [list(itertools.accumulate(map(len, texts))) for texts in self._kinds]
        self._codec = codec
        self._fim = fim
        self._mixture = mixture
        self._vocabulary = vocabulary

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        mixture = self._mixture
        rng = np.random.default_rng([mixture.seed, step])
        parts = [self._parts(rng) for _ in range(mixture.rows)]
        encoded = iter(self._codec.encode_batch([text for each in parts for text in each.texts]))
        samples = [self._sample(each, [next(encoded) for _ in each.texts]) for each in parts]
        return batch_of(samples, mixture.length, self._vocabulary)

    def _parts(self, rng: np.random.Generator) -> _Parts:
        length = self._mixture.length
        seen = window(self._text(rng), length, rng)
        if rng.random() >= self._mixture.fim:
            return _Parts((seen.text,), seen.is_end)
        return _Parts(cut_middle(seen.text, 2 * length, rng), seen.is_end)

    def _text(self, rng: np.random.Generator) -> str:
        kind = int(len(self._kinds) > 1 and rng.random() >= self._mixture.prose)
        ends = self._ends[kind]
        return self._kinds[kind][bisect.bisect_right(ends, int(rng.integers(ends[-1])))]

    def _sample(self, parts: _Parts, encoded: Sequence[Sequence[int]]) -> Sample:
        most = self._mixture.length + 1
        if len(encoded) == 1:
            return text_sample(encoded[0], most, self._fim.stops[0] if parts.is_end else None)
        return fim_sample(encoded, most, self._fim, middle_only=False)


class SampleBatches:
    """Batches of given samples, all of them once in each round, in an order of its own."""

    def __init__(
        self, samples: Sequence[Sample], *, length: int, rows: int, seed: int, vocabulary: Vocabulary
    ) -> None:
        """At least one sample."""
        self._samples = samples
        self._length = length
        self._rows = rows
        self._seed = seed
        self._vocabulary = vocabulary

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        first, count = step * self._rows, len(self._samples)
        rounds = range(first // count, (first + self._rows - 1) // count + 1)
        order = np.concatenate(
            [np.random.default_rng([self._seed, turn]).permutation(count) for turn in rounds]
        )
        chosen = [self._samples[int(at)] for at in order[first % count :][: self._rows]]
        return batch_of(chosen, self._length, self._vocabulary)


def _texts(documents: Sequence[Document], kind: str) -> list[str]:
    return [document.text for document in documents if document.kind == kind and document.text]


def count_tokens(
    documents: Sequence[Document], codec: Codec, *, chunk: int = 64
) -> Generator[int, None, NDArray[np.int64]]:
    """How often each token occurs in the documents, ``[tokens]``; yields how many are done."""
    counts = np.zeros(len(codec), np.int64)
    for start in range(0, len(documents), chunk):
        some = documents[start : start + chunk]
        for ids in codec.encode_batch([document.text for document in some]):
            counts += np.bincount(np.asarray(ids, np.int64), minlength=len(counts))
        yield start + len(some)
    return counts
