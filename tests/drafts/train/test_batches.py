"""A batch is a function of the step; what is no word of the draft is read and never learnt."""

from pathlib import Path

import numpy as np
import pytest

from drafts.train.batches import (
    IGNORED,
    DocumentBatches,
    Mixture,
    SampleBatches,
    batch_of,
    count_tokens,
)
from drafts.train.corpus import Document
from drafts.train.samples import Sample
from drafts.vocabulary import Vocabulary, choose, vocabulary_of

SMALL = Vocabulary(np.array([5, 7], np.int32), np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int32))


def test_labels_are_the_words_behind() -> None:
    batch = batch_of([Sample((5, 7, 6, 7, 5), 0), Sample((7, 5), 0), Sample((5, 7, 5, 7, 5), 3)], 4, SMALL)
    assert batch.words.tolist() == [[0, 1, 1, 1], [1, 0, 0, 0], [0, 1, 0, 1]]
    assert batch.labels.tolist() == [
        [1, IGNORED, 1, 0],  # 6 is read as 7's word, but nobody says it
        [0, IGNORED, IGNORED, IGNORED],
        [IGNORED, IGNORED, 1, 0],
    ]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    texts = [(f"def f{number}(x):\n    return x + {number}\n" * 30, "code") for number in range(5)]
    texts += [("Some words about it.\n" * 30, "prose")]
    return [Document(str(at), text, kind, Path("x")) for at, (text, kind) in enumerate(texts)]


def stream(documents, codec, ids, **changes) -> DocumentBatches:
    counts = drained(count_tokens(documents, codec, chunk=2))
    vocabulary = vocabulary_of(choose(counts, 700, ids.all), codec)
    mixture = Mixture(**{"length": 48, "rows": 6, "seed": 3, "fim": 0.5, "prose": 0.3} | changes)
    return DocumentBatches(documents, codec, fim=ids, mixture=mixture, vocabulary=vocabulary)


def drained(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def test_tokens_are_counted(documents, codec) -> None:
    counts = drained(count_tokens(documents, codec))
    assert counts.sum() == sum(len(codec.encode(each.text)) for each in documents)
    assert counts[codec.encode("def")[0]] == 150


def test_a_step_has_its_batch_whoever_asks_and_when(documents, codec, fim) -> None:
    one, other = stream(documents, codec, fim), stream(documents, codec, fim)
    later = one.at(7)
    for step in range(3):
        assert np.array_equal(one.at(step).words, other.at(step).words)
    assert np.array_equal(other.at(7).words, later.words)
    assert not np.array_equal(one.at(8).words, later.words)
    assert not np.array_equal(stream(documents, codec, fim, seed=4).at(7).words, later.words)


def test_the_mixture_is_as_asked(documents, codec, fim) -> None:
    def share(**changes) -> float:
        batches = stream(documents, codec, fim, **changes)
        middle = batches._vocabulary.read([fim.middle])[0]
        rows = np.concatenate([batches.at(step).words for step in range(30)])
        return float((rows == middle).any(axis=1).mean())

    assert share(fim=0.0) == 0.0
    assert share(fim=1.0) == 1.0
    assert 0.35 < share(fim=0.5) < 0.65


def test_only_code_or_only_prose_is_enough(documents, codec, fim) -> None:
    assert stream(documents[:1], codec, fim, prose=1.0).at(0).words.any()
    assert stream(documents[-1:], codec, fim, prose=0.0).at(0).words.any()


def test_given_samples_come_once_a_round() -> None:
    samples = [Sample((5, 7) * (at + 1), 0) for at in range(6)]
    batches = SampleBatches(samples, length=12, rows=3, seed=0, vocabulary=SMALL)
    rounds = [
        sorted(int((row != IGNORED).sum()) for step in (start, start + 1) for row in batches.at(step).labels)
        for start in (0, 2)
    ]
    assert rounds == [[1, 3, 5, 7, 9, 11]] * 2
    assert not np.array_equal(batches.at(0).labels, batches.at(2).labels)  # another order
