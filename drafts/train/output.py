"""The finished draft: a directory that opens as a model, whole or not there.

``config.json`` and ``model.safetensors`` (float16) are an ordinary model whose tokens are the draft's
words; beside them lie ``draft.json``, the vocabulary map and the curves of the training.
"""

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import torch as safetensors_torch

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
    _write_model(part, model)
    write_vocabulary(part, vocabulary)
    write_curves(part, rows, card.exits)
    write_card(part, card)
    part.replace(out)


def _write_model(directory: Path, model: Any) -> None:
    """The configuration and the weights in float16; a head that is the embedding is not written twice."""
    config = copy.deepcopy(model.config)
    config.dtype, config.architectures = torch.float16, [type(model).__name__]
    config.save_pretrained(directory)
    state = {name: tensor.detach().half().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    files: Any = safetensors_torch  # partly untyped
    files.save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
