"""``draft.json``: what was written is what is read, and nothing else is taken for it."""

import json
from pathlib import Path

import numpy as np
import pytest

from drafts.card import CARD, DraftCard, Measured, open_files, read_card, write_card
from drafts.errors import CorruptDraft, OtherVocabulary
from drafts.vocabulary import Vocabulary, write_vocabulary

GOOD = DraftCard(
    "nested", "qwen", "abc", (2, 4), 10, (Measured(3.0, 0.2, (1.2, 1.3)), Measured(2.0, 0.4, (1.5, 1.6)))
)


def test_the_card_survives_the_disk(tmp_path: Path) -> None:
    write_card(tmp_path, GOOD)
    assert read_card(tmp_path) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"exits": [4, 2]}, {"exits": []}, {"exits": [2]}, {"version": 2}, {"kind": "other"},
        {"measured": [1, 2]}, {"steps": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_card_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_card(tmp_path, GOOD)
    fields = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps(fields | change))
    with pytest.raises(CorruptDraft, match=r"no readable draft\.json"):
        read_card(tmp_path)


def test_a_draft_for_other_tokens_is_refused_by_name(tmp_path: Path) -> None:
    write_card(tmp_path, GOOD)
    write_vocabulary(tmp_path, Vocabulary(np.array([1], np.int32), np.array([0, 0], np.int32)))
    assert len(open_files(tmp_path, "abc").vocabulary) == 1
    with pytest.raises(OtherVocabulary, match=tmp_path.name):
        open_files(tmp_path, "def")
