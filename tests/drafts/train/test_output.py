"""A finished draft opens as a model, everywhere; nothing half written is taken for one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from completion.config import EngineConfig
from completion.loading import run_model
from drafts.card import DraftCard, open_files
from drafts.errors import BadRecipe
from drafts.train.curves import CSV, PNG
from drafts.train.output import refuse_taken, write_draft
from drafts.train.scaled import Size, random_model, read_config, scaled
from drafts.vocabulary import Vocabulary, fingerprint

VOCABULARY = Vocabulary(np.arange(60, dtype=np.int32), np.arange(60, dtype=np.int32))


def write(tiny_model_dir: Path, out: Path):
    model = random_model(scaled(read_config(tiny_model_dir), Size(2, 64, 32), 60), 0)
    for parameter in model.parameters():  # norms too: nothing is what transformers would make of it
        torch.nn.init.normal_(parameter, mean=0.1, std=0.2)
    card = DraftCard("tiny", "target", "abc", (2,), 5, ())
    write_draft(out, model, vocabulary=VOCABULARY, card=card, rows=[])
    return model.eval()


def test_what_is_written_opens_and_says_the_same(tiny_model_dir: Path, tmp_path: Path) -> None:
    model = write(tiny_model_dir, tmp_path / "draft")
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "draft", dtype=torch.float32)
    words = torch.tensor([[4, 8, 15, 16]])
    assert torch.allclose(opened(input_ids=words).logits, model(input_ids=words).logits, rtol=2e-2, atol=2e-2)
    assert next(model.parameters()).dtype == torch.float32
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft"]
    names = {path.name for path in (tmp_path / "draft").iterdir()}
    assert names >= {"config.json", "model.safetensors", "draft.json", "vocabulary.safetensors", CSV, PNG}


def test_the_kernels_open_it_too(nested_draft: Path) -> None:
    opened = run_model(nested_draft, EngineConfig(models_dir=nested_draft.parent))
    assert opened.model is None  # it runs in the kernels whole


def test_the_files_tell_for_whom_it_is(nested_draft: Path, codec) -> None:
    files = open_files(nested_draft, fingerprint(codec))
    assert (files.card.kind, files.card.exits, files.card.target) == ("nested", (1, 2), "target")
    assert len(files.vocabulary) == read_config(nested_draft).vocab_size


def test_nothing_is_written_over(tiny_model_dir: Path, tmp_path: Path) -> None:
    write(tiny_model_dir, tmp_path / "draft")
    before = (tmp_path / "draft" / "model.safetensors").read_bytes()
    with pytest.raises(BadRecipe, match="finished draft"):
        write(tiny_model_dir, tmp_path / "draft")
    assert (tmp_path / "draft" / "model.safetensors").read_bytes() == before
    (tmp_path / "mine").mkdir()
    refuse_taken(tmp_path / "mine")
    (tmp_path / "mine" / "precious.txt").write_text("x")
    with pytest.raises(BadRecipe, match="not empty"):
        refuse_taken(tmp_path / "mine")


def test_dying_while_writing_leaves_nothing_at_the_place(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch
) -> None:
    def die(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("drafts.train.output.write_card", die)
    with pytest.raises(KeyboardInterrupt):
        write(tiny_model_dir, tmp_path / "draft")
    assert not (tmp_path / "draft").exists()
    monkeypatch.undo()
    write(tiny_model_dir, tmp_path / "draft")  # what was left there is no hindrance
