"""Opens a converted model: weights in the type this machine runs fastest, tokenizer, family."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from completion.chat import ChatFormat, read_chat
from completion.config import EngineConfig
from completion.cpu.linear import compile_linear_soon
from completion.cpu.model import open_pass
from completion.cpu.skeleton import misfit, skeleton
from completion.cpu.target import host
from completion.cuda_graphs import CudaRecorder
from completion.errors import CorruptModel, UnsupportedModel
from completion.families import FimFamily, detect_family
from completion.forward import Forward
from completion.graphs import GraphPass
from completion.passes import Pass, TransformersPass
from completion.quantize import quantize_model
from completion.records import PREFIX_ONLY
from completion.store import packed_file
from completion.tokens import TextCodec
from kvcache.config import CacheShape
from kvcache.errors import UnsupportedCache, UnsupportedShift
from kvcache.hf import ATTENTION, cache_shape, position_limit, register_attention
from kvcache.rotary import Rotary, rotary_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunningModel:
    """A model that runs, whatever its tokens mean. ``dtype`` is that of activations and caches.

    ``model`` is transformers' model; None where the kernels of ``completion.cpu`` hold the weights.
    """

    model: Any
    forward: Forward
    shape: CacheShape
    device: torch.device
    dtype: torch.dtype
    weights: str
    config: Any
    """What transformers knows of it."""
    max_positions: int
    rotary: Rotary | None
    """None: the model's cached keys cannot be moved; ``why_fixed`` says why."""
    why_fixed: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadedModel(RunningModel):
    """A model that runs and whose tokens are known."""

    name: str
    codec: TextCodec
    family: FimFamily
    chat: ChatFormat | None = None
    """How it is spoken to; None for a model that was never taught to talk."""


def load_model(name: str, directory: Path, config: EngineConfig) -> LoadedModel:
    """Load the model in ``directory`` as ``config`` says.

    Raises NoFimTokens, UnsupportedModel or CorruptModel with a sentence.
    """
    tokenizer = open_tokenizer(directory)
    codec = TextCodec(tokenizer)
    family = detect_family(codec.special_tokens)
    chat = read_chat(directory, tokenizer)
    running = vars(run_model(directory, config))
    return LoadedModel(name=name, codec=codec, family=family, chat=chat, **running)


def run_model(directory: Path, config: EngineConfig, *, layers: int | None = None) -> RunningModel:
    """Load the model in ``directory`` without its tokenizer; with ``layers``, its first ones alone.

    Raises UnsupportedModel or CorruptModel with a sentence.
    """
    device = choose_device(config.device)
    weights = choose_weights(config.weights, device)
    opened = _open(_Part(directory, layers), weights, device, config)
    dtype = torch.bfloat16 if weights == "bfloat16" else torch.float32
    try:
        shape = cache_shape(opened.config, dtype.itemsize)
    except UnsupportedCache as error:
        raise UnsupportedModel(str(error)) from error
    max_positions = _max_positions(opened.config)
    rotary, why_fixed = _rotary(opened.moving, shape, max_positions)
    return RunningModel(
        model=opened.model,
        forward=Forward(opened.passes, shape, dtype=dtype, device=device),
        shape=replace(shape, movable=rotary is not None),
        device=device,
        dtype=dtype,
        weights=weights,
        config=opened.config,
        max_positions=max_positions,
        rotary=rotary,
        why_fixed=why_fixed,
    )


def choose_device(wanted: str) -> torch.device:
    """The device to run on. Raises UnsupportedModel when CUDA is asked for and missing."""
    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise UnsupportedModel("The setting engine.device is cuda, but torch finds no CUDA device here.")
    return torch.device("cuda" if has_cuda and wanted != "cpu" else "cpu")


def choose_weights(wanted: str, device: torch.device) -> str:
    """The weight format: as wanted, else bfloat16 on a GPU and int8 on a CPU."""
    if device.type == "cuda" and wanted in _BITS:
        raise UnsupportedModel(f"Weights of kind {wanted} run on the CPU only: choose bfloat16 or float32.")
    if wanted != "auto":
        return wanted
    return "bfloat16" if device.type == "cuda" else "int8"


_BITS = MappingProxyType({"int8": 8, "int4": 4})


class _Part(NamedTuple):
    """The model in ``directory``; its first ``layers`` where so many are named."""

    directory: Path
    layers: int | None = None


class _Opened(NamedTuple):
    """An open model: ``model`` is None where the kernels hold it, ``moving`` turns keys as it does."""

    config: Any
    model: Any
    moving: Any
    passes: Pass


def _open(part: _Part, weights: str, device: torch.device, config: EngineConfig) -> _Opened:
    if weights not in _BITS:
        return _opened(_weights(part, getattr(torch, weights)).to(device), device)
    if host().products != "vnni":
        _log.warning("This processor has no instructions for 8-bit products: completions take longer.")
    told = _config(part)
    reason = misfit(told)
    if not reason:
        return _open_whole(part, told, weights, config)
    if weights == "int4":
        raise UnsupportedModel(f"Weights of kind int4 do not fit this model: {reason}.")
    compile_linear_soon()
    model = _weights(part, torch.float16)
    quantize_model(model, threads=torch.get_num_threads())
    return _opened(model, device)


def _open_whole(part: _Part, told: Any, weights: str, config: EngineConfig) -> _Opened:
    """A model that runs in the kernels alone."""
    bones = skeleton(told)
    kept = weights if part.layers is None else f"{weights}-{part.layers}"
    passes = open_pass(
        part.directory,
        told,
        kept_at=packed_file(part.directory, config.models_dir, kept),
        bits=_BITS[weights],
        rotary=bones.get_decoder().rotary_emb,
        threads=torch.get_num_threads(),
        load=lambda: _weights(part, torch.float16),
    )
    return _Opened(told, None, bones, passes)


def _opened(model: Any, device: torch.device) -> _Opened:
    """A model that runs in transformers' code."""
    return _Opened(model.config, model, model, _passes(model, device))


def _config(part: _Part) -> Any:
    auto: Any = AutoConfig  # partly untyped
    try:
        whole = auto.from_pretrained(part.directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise CorruptModel(f"The model in {part.directory} cannot be opened: {error}") from error
    return whole if part.layers is None else _shorter(whole, part.layers)


def _shorter(config: Any, layers: int) -> Any:
    """Of the first ``layers`` alone. Raises UnsupportedModel where there are fewer."""
    if not 1 <= layers <= config.num_hidden_layers:
        raise UnsupportedModel(f"The model has {config.num_hidden_layers} layers; {layers} were asked for.")
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None) is not None:
        config.layer_types = list(config.layer_types)[:layers]
    return config


def _passes(model: Any, device: torch.device) -> Pass:
    """What computes the model's passes: on a GPU those of few rows are recorded."""
    plain = TransformersPass(model)
    return GraphPass(plain, CudaRecorder(device)) if device.type == "cuda" else plain


def _rotary(model: Any, shape: CacheShape, max_positions: int) -> tuple[Rotary | None, str]:
    """What turns the model's keys; or None and why not, which is logged here, once a model."""
    try:
        return rotary_of(model, shape.head_dim, max_positions), ""
    except UnsupportedShift as error:
        _log.warning("%s %s", error, PREFIX_ONLY)
        return None, str(error)


def _max_positions(config: Any) -> int:
    """Positions the model has, as far as its cache can be kept for them."""
    own = int(getattr(config, "max_position_embeddings", 2048))
    return min(own, position_limit(config) or own)


def open_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer of the model in ``directory``. Raises CorruptModel."""
    try:
        return Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise CorruptModel(f"The tokenizer in {directory} cannot be read: {error}") from error


def _weights(part: _Part, dtype: torch.dtype) -> Any:
    """The causal language model of ``part``, in evaluation mode, on the CPU."""
    register_attention()
    transformers_logging.disable_progress_bar()
    auto: Any = AutoModelForCausalLM  # partly untyped
    try:
        model = auto.from_pretrained(
            part.directory,
            config=_config(part),
            dtype=dtype,
            attn_implementation=ATTENTION,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CorruptModel(f"The model in {part.directory} cannot be opened: {error}") from error
    return model.eval().requires_grad_(False)
