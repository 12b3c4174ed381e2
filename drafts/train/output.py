"""The finished draft: a directory that opens as a model, whole or not there.

``config.json`` and ``model.safetensors`` (float16) are an ordinary model whose tokens are the draft's
words; beside them lie ``draft.json``, the vocabulary map and the curves of the training.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from drafts.card import CARD, DraftCard, write_card
from drafts.errors import BadRecipe
from drafts.train.curves import Row, write_curves
from drafts.vocabulary import Vocabulary, write_vocabulary


def refuse_taken(out: Path) -> None:
    """Raise BadRecipe when something lies at ``out`` already."""
    if not out.exists():
        return
    if (out / CARD).exists():
        raise BadRecipe(f"There is a finished draft in {out}: name another directory, or delete it.")
    if not out.is_dir() or any(out.iterdir()):
        raise BadRecipe(f"{out} exists and is not empty: name another directory.")


def write_draft(
    out: Path, model: Any, *, vocabulary: Vocabulary, card: DraftCard, rows: Sequence[Row]
) -> None:
    """Write the draft beside ``out`` and put it there in one step. The model is as before afterwards."""
    refuse_taken(out)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    state = {name: tensor.detach().half() for name, tensor in model.state_dict().items()}
    model.config.dtype = torch.float16
    transformers_logging.disable_progress_bar()
    model.save_pretrained(part, state_dict=state)
    write_vocabulary(part, vocabulary)
    write_curves(part, rows, card.exits)
    write_card(part, card)
    part.replace(out)
