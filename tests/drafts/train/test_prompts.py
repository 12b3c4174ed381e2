"""Prompts and their completions: the same ones again, kept as they were said."""

from pathlib import Path

import pytest

from drafts.errors import CorruptCheckpoint
from drafts.train.acceptance import HeldOut
from drafts.train.corpus import Document
from drafts.train.prompts import Asking, completed, middles

ASKING = Asking(count=40, length=64, most=16, seed=0)
PROMPTS = [HeldOut((number, number + 1), (7,)) for number in range(40)]


class Scripted:
    """Says the prompt backwards; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def complete(self, prompts, temperature, generator):
        self.asked.append((len(prompts), temperature))
        return [() if prompt[0] == 3 else tuple(reversed(prompt)) for prompt in prompts]


def drained(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def test_middles_are_cut_from_code(codec, fim) -> None:
    documents = [
        Document("a", "def add(left, right):\n    return left + right\n" * 20, "code", Path("a")),
        Document("b", "Prose about addition.\n" * 50, "prose", Path("b")),
    ]
    found = middles(documents, codec, fim, ASKING)
    assert found == middles(documents, codec, fim, ASKING)
    assert 20 < len(found) <= 40
    for prompt, reference in found:
        assert prompt[0] == fim.prefix
        assert prompt[-1] == fim.middle
        assert 0 < len(reference) <= ASKING.most
        assert len(prompt) <= ASKING.length - ASKING.most
        text = b"".join(codec.bytes_of(token) for token in reference).decode()
        assert text in documents[0].text
    assert any(reference[-1] == fim.stops[0] for _, reference in found)


def test_files_too_short_give_nothing(codec, fim) -> None:
    assert middles([Document("a", "x = 1\n", "code", Path("a"))], codec, fim, ASKING) == []


def test_completions_are_kept_and_asked_for_once(tmp_path: Path) -> None:
    first, second = Scripted(), Scripted()
    work = completed(PROMPTS, first, tmp_path, temperatures=(0.0, 0.8), seed=1)
    assert next(work) == 32
    work.close()  # stopped behind the first chunk
    found = drained(completed(PROMPTS, second, tmp_path, temperatures=(0.0, 0.8), seed=1))
    assert first.asked + second.asked == [(32, 0.0), (8, 0.8)]
    assert found == [
        HeldOut((n, n + 1), (n + 1, n)) for n in range(40) if n != 3
    ]  # who says nothing is left out


@pytest.mark.parametrize("content", ["", "[]", "{}", '[["x"]]', "3"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "000001.json").write_text(content)
    with pytest.raises(CorruptCheckpoint, match=r"000001\.json is damaged: delete it"):
        drained(completed(PROMPTS, Scripted(), tmp_path, temperatures=(0.0,), seed=1))
