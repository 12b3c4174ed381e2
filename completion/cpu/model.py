"""Opens a model for the kernels: packed weights from the disk, or packed now and kept for the next start."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from completion.cpu import kept
from completion.cpu.compiler import compile_beside
from completion.cpu.integers import BLOCK_BYTES, PANEL
from completion.cpu.layers import Matrix, Sizes, Weights
from completion.cpu.passes import CpuPass
from completion.cpu.skeleton import sizes_of
from completion.cpu.weights import pack_model
from completion.errors import CorruptModel
from kvcache.config import CacheShape
from kvcache.store import KVStore

_log = logging.getLogger(__name__)

_WORTH_KEEPING = 64 << 20
"""Bytes; less is packed in no time."""


def open_pass(
    directory: Path,
    config: Any,
    *,
    kept_at: Path,
    rotary: Any,
    threads: int,
    load: Callable[[], Any],
    bits: int = 8,
) -> CpuPass:
    """The passes of the model in ``directory``, whose transformers configuration is ``config``.

    ``load`` opens the model with transformers; it is called unless whole packed weights lie at
    ``kept_at``, where they are written otherwise. ``bits`` are those of a weight, 8 or 4.
    """
    weights = _kept(kept_at, kept.source_of(directory))
    if weights is None:
        weights = pack_model(load(), bits)
        _keep(kept_at, weights, kept.source_of(directory))
    return CpuPass(weights, sizes_of(config), int(config.vocab_size), rotary=rotary, threads=threads)


def compile_soon() -> None:
    """Compile the kernels, or read what was compiled, on a thread beside: the first pass finds them ready."""
    compile_beside("splice-compile", _compile)


def _compile() -> None:
    """Run the smallest pass there is. While transformers loads, torch has another default type."""
    sizes = Sizes(heads=1, kv_heads=1, dim=16, epsilon=1e-6, scaling=0.25)
    one, two = (
        Matrix(np.zeros((1, count * BLOCK_BYTES), np.uint8), np.zeros((1, count * PANEL), np.float32), 1, 16)
        for count in (1, 2)
    )
    norm = np.ones((1, 16), np.float32)
    weights = Weights(one, norm, one, one, norm, two, one, norm, one)
    shape = CacheShape(layers=1, kv_heads=1, head_dim=16, element_bytes=4)
    store = KVStore(shape, PANEL, dtype=torch.float32, device=torch.device("cpu"))
    passes = CpuPass(weights, sizes, PANEL, rotary=_still, threads=1)
    with torch.inference_mode(), store.appending((1, 2)) as rows:
        passes.every_logits(store, rows)


def _still(_like: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Angles of zero."""
    return torch.ones(1, positions.shape[1], 16), torch.zeros(1, positions.shape[1], 16)


def _kept(path: Path, source: str) -> Weights | None:
    try:
        return kept.read(path, source)
    except CorruptModel as error:
        _log.warning("%s It is made anew.", error)
        return None


def _keep(path: Path, weights: Weights, source: str) -> None:
    size = sum(part.panels.nbytes for part in weights if isinstance(part, Matrix))
    if size < _WORTH_KEEPING:
        return
    try:
        kept.write(path, weights, source)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        _log.warning("The packed weights could not be kept (%s): every start packs them anew.", error)
