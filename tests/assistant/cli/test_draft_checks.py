"""The doctor's line about drafts: who drafts, and why others do not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.cli.draft_checks import drafting_of
from assistant.settings import Settings
from completion.config import EngineConfig
from completion.loading import open_tokenizer
from completion.tokens import TextCodec
from drafts.card import DraftCard, Kind, Measured, write_card
from drafts.config import DraftConfig, DraftMode
from drafts.vocabulary import fingerprint


def settings_for(model_dir: Path, drafter: DraftMode = "auto", draft: Path | str | None = None) -> Settings:
    config = DraftConfig(drafter=drafter, model=None if draft is None else str(draft))
    return replace(Settings(), engine=EngineConfig(model=str(model_dir), device="cpu"), drafts=config)


def write(
    directory: Path, model_dir: Path, kind: Kind = "tiny", changes: dict[str, str] | None = None
) -> Path:
    codec = TextCodec(open_tokenizer(model_dir))
    told = Measured(1.0, 0.5, (1.5, 1.6))
    directory.mkdir()
    write_card(directory, DraftCard(kind, model_dir.name, fingerprint(codec), (2,), 1, (told,)))
    card = json.loads((directory / "draft.json").read_text())
    (directory / "draft.json").write_text(json.dumps(card | (changes or {})))
    return directory


def test_without_a_draft_the_free_ones_draft(tiny_model_dir: Path) -> None:
    found = drafting_of(settings_for(tiny_model_dir), {})
    assert found.said == "typed, suffix; small_model, early_exit, tiny, nested would need drafts.model"
    assert found.refused == ""


@pytest.mark.parametrize(
    ("drafter", "said"),
    [("off", "nobody (drafts.drafter is off)"), ("typed", "typed (drafts.drafter is typed)")],
)
def test_what_was_chosen_is_said(tiny_model_dir: Path, drafter: DraftMode, said: str) -> None:
    assert drafting_of(settings_for(tiny_model_dir, drafter, "nowhere"), {}).said == said


@pytest.mark.parametrize(("kind", "name"), [("tiny", "tiny"), ("nested", "nested"), ("exit", "early_exit")])
def test_a_trained_draft_that_fits_is_counted(
    tiny_model_dir: Path, tmp_path: Path, kind: Kind, name: str
) -> None:
    found = drafting_of(settings_for(tiny_model_dir, draft=write(tmp_path / "d", tiny_model_dir, kind)), {})
    assert found.said.startswith(f"typed, suffix, {name} (drafts.model is ")
    assert found.refused == ""


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("tiny", {"tokenizer": "00"}, "not those of the target"),
        ("exit", {"target": "other"}, "made for other, not for"),
        ("tiny", {"kind": "huge"}, "no readable draft.json"),
    ],
)
def test_why_a_draft_is_left_out(
    tiny_model_dir: Path, tmp_path: Path, kind: Kind, changes: dict[str, str], words: str
) -> None:
    directory = write(tmp_path / "d", tiny_model_dir, kind, changes)
    found = drafting_of(settings_for(tiny_model_dir, draft=directory), {})
    assert words in found.refused
    assert found.said.startswith("typed, suffix (")


def test_a_draft_model_that_is_not_there_is_told(tiny_model_dir: Path) -> None:
    assert "/no/such/draft" in drafting_of(settings_for(tiny_model_dir, draft="/no/such/draft"), {}).refused


def test_the_running_server_knows_better(tiny_model_dir: Path) -> None:
    told = {"state": "ready", "drafters": ["typed"], "draftRefused": "It does not fit."}
    found = drafting_of(settings_for(tiny_model_dir), told)
    assert found.said.startswith("typed;")
    assert found.refused == "It does not fit."
    assert drafting_of(settings_for(tiny_model_dir), told | {"state": "loading"}).said.startswith(
        "typed, suffix"
    )
