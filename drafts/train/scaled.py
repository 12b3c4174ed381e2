"""Models to train: the target's architecture at a smaller size, or the first layers of a model.

FastDraft (arXiv 2411.11055, section 3.1) scales the target's own architecture down, width before depth,
since every layer adds to the latency of a step. S2D (arXiv 2407.01955, section 3.1) takes the first
layers of a model as they are. Either way the vocabulary shrinks to the draft's words.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from drafts.errors import BadRecipe
from drafts.train.exits import tensor_of
from drafts.vocabulary import Vocabulary

KINDS = ("llama", "mistral", "qwen2")
"""Model types with plain layers of one kind, which run wherever the target runs."""
_MULTIPLE = 64
"""Inner widths are multiples of this, as kernels like them."""


@dataclass(frozen=True)
class Size:
    """How large a draft is: ``width`` is that of its hidden states, a multiple of ``head``."""

    layers: int = 4
    width: int = 512
    head: int = 64
    """Values a head of attention has."""


def read_config(directory: Path) -> Any:
    """The configuration of the model in ``directory``. Raises BadRecipe for one that cannot be scaled."""
    auto: Any = AutoConfig  # partly untyped
    try:
        config = auto.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise BadRecipe(f"The model in {directory} has no readable configuration.") from error
    if config.model_type not in KINDS:
        raise BadRecipe(f"Drafts are made for models of type {', '.join(KINDS)}, not {config.model_type}.")
    return config


def scaled(config: Any, size: Size, words: int) -> Any:
    """A configuration like the target's, of this size. Raises BadRecipe where the size is impossible."""
    if size.layers < 1 or size.head < 2 or size.head % 2 or size.width < 1 or size.width % size.head:
        raise BadRecipe(f"A draft's width must be a multiple of its heads' size, {size.head}, which is even.")
    heads = size.width // size.head
    small = _shorter(config, size.layers, words)
    small.intermediate_size = _inner(size.width * config.intermediate_size / config.hidden_size)
    small.hidden_size, small.num_attention_heads, small.head_dim = size.width, heads, size.head
    small.num_key_value_heads = _shared(heads, _kv_heads(config) / config.num_attention_heads)
    small.initializer_range = 0.02
    small.tie_word_embeddings = True
    return small


def random_model(config: Any, seed: int) -> Any:
    """A model of this configuration with random weights, float32 on the CPU; the seed decides all."""
    auto, torch_random = cast("Any", AutoModelForCausalLM), cast("Any", torch.random)
    with torch_random.fork_rng(devices=[]):
        torch_random.manual_seed(seed)
        return auto.from_config(config, dtype=torch.float32)


def first_layers(directory: Path, layers: int, vocabulary: Vocabulary) -> Any:
    """The first layers of the model in ``directory``, with the rows of the draft's words alone.

    Raises BadRecipe when it has fewer layers or cannot be opened.
    """
    config = read_config(directory)
    if not 1 <= layers <= config.num_hidden_layers:
        raise BadRecipe(f"{directory.name} has {config.num_hidden_layers} layers; {layers} were asked for.")
    whole = load_whole(directory, torch.float32)
    draft = random_model(_shorter(config, layers, len(vocabulary)), 0)
    rows = tensor_of(vocabulary.tokens, torch.device("cpu"))
    own, given = draft.state_dict(), whole.state_dict()
    for name, tensor in own.items():
        tensor.copy_(given[name] if given[name].shape == tensor.shape else given[name][rows])
    return draft


def load_whole(directory: Path, dtype: torch.dtype) -> Any:
    """The causal language model in ``directory``, on the CPU. Raises BadRecipe."""
    auto: Any = AutoModelForCausalLM  # partly untyped
    transformers_logging.disable_progress_bar()
    try:
        return auto.from_pretrained(
            directory, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise BadRecipe(f"The model in {directory} cannot be opened: {error}") from error


def parameters(model: Any) -> int:
    """Parameters of a model; tied ones count once."""
    return sum(parameter.numel() for parameter in model.parameters())


def _shorter(config: Any, layers: int, words: int) -> Any:
    """A copy of ``config`` with fewer layers and words; word numbers are nobody's specials."""
    small = copy.deepcopy(config)
    kinds = getattr(config, "layer_types", None)
    small.num_hidden_layers, small.vocab_size = layers, words
    if kinds is not None:
        small.layer_types = (list(kinds) * layers)[:layers]
    small.bos_token_id = small.eos_token_id = small.pad_token_id = None
    return small


def _kv_heads(config: Any) -> int:
    return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)


def _shared(heads: int, share: float) -> int:
    """Key/value heads in the target's proportion, as near as ``heads`` can be divided."""
    return max(
        count for count in range(1, heads + 1) if heads % count == 0 and count <= max(1, share * heads)
    )


def _inner(width: float) -> int:
    return max(_MULTIPLE, round(width / _MULTIPLE) * _MULTIPLE)
