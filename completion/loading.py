"""Opens a converted model: weights in the type this machine runs fastest, tokenizer, family."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from completion.config import EngineConfig
from completion.errors import CorruptModel, UnsupportedModel
from completion.families import FimFamily, detect_family
from completion.forward import Forward
from completion.quantize import int8_is_fast, quantize_model
from completion.tokens import TextCodec
from kvcache.config import CacheShape
from kvcache.errors import UnsupportedCache
from kvcache.hf import ATTENTION, cache_shape, register_attention

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run. ``dtype`` is that of activations and caches."""

    name: str
    model: Any
    forward: Forward
    codec: TextCodec
    family: FimFamily
    shape: CacheShape
    device: torch.device
    dtype: torch.dtype
    weights: str
    max_positions: int


def load_model(name: str, directory: Path, config: EngineConfig) -> LoadedModel:
    """Load the model in ``directory`` as ``config`` says.

    Raises NoFimTokens, UnsupportedModel or CorruptModel with a sentence.
    """
    device = choose_device(config.device)
    weights = choose_weights(config.weights, device)
    codec = TextCodec(_tokenizer(directory))
    family = detect_family(codec.special_tokens)
    model = _weights(directory, weights, device)
    dtype = torch.bfloat16 if weights == "bfloat16" else torch.float32
    try:
        shape = cache_shape(model.config, dtype.itemsize)
    except UnsupportedCache as error:
        raise UnsupportedModel(str(error)) from error
    return LoadedModel(
        name=name,
        model=model,
        forward=Forward(model, shape, dtype=dtype, device=device),
        codec=codec,
        family=family,
        shape=shape,
        device=device,
        dtype=dtype,
        weights=weights,
        max_positions=int(getattr(model.config, "max_position_embeddings", 2048)),
    )


def choose_device(wanted: str) -> torch.device:
    """The device to run on. Raises UnsupportedModel when CUDA is asked for and missing."""
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise UnsupportedModel("The setting engine.device is cuda, but torch finds no CUDA device here.")
    return torch.device("cuda" if has_cuda and wanted != "cpu" else "cpu")


def choose_weights(wanted: str, device: torch.device) -> str:
    """The weight format: as wanted, else bfloat16 on a GPU, int8 where it is fast, else float32."""
    if device.type == "cuda":
        if wanted == "int8":
            raise UnsupportedModel("Weights of kind int8 run on the CPU only: choose bfloat16 or float32.")
        return "bfloat16" if wanted == "auto" else wanted
    if wanted != "auto":
        return wanted
    if int8_is_fast():
        return "int8"
    _log.warning("This processor has no 8-bit integer products (VNNI): using float32, which is slower.")
    return "float32"


def _tokenizer(directory: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise CorruptModel(f"The tokenizer in {directory} cannot be read: {error}") from error


def _weights(directory: Path, weights: str, device: torch.device) -> Any:
    """The causal language model in ``directory``, in evaluation mode, on ``device``."""
    register_attention()
    transformers_logging.disable_progress_bar()
    stored = {"int8": torch.float16, "float32": torch.float32, "bfloat16": torch.bfloat16}[weights]
    auto: Any = AutoModelForCausalLM  # partly untyped
    try:
        model = auto.from_pretrained(
            directory,
            dtype=stored,
            attn_implementation=ATTENTION,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CorruptModel(f"The model in {directory} cannot be opened: {error}") from error
    if weights == "int8":
        quantize_model(model)
    return model.to(device).eval().requires_grad_(False)
