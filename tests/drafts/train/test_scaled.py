"""A draft is the target's architecture at another size; transformers is the oracle."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, Qwen2Config

from completion.cpu.skeleton import KINDS as KERNEL_KINDS
from completion.cpu.skeleton import misfit
from drafts.errors import BadRecipe
from drafts.train.scaled import (
    KINDS,
    Size,
    first_layers,
    load_whole,
    parameters,
    random_model,
    read_config,
    scaled,
)
from drafts.vocabulary import Vocabulary

WORDS = torch.tensor([[3, 5, 7, 2]])


@pytest.mark.parametrize("kind", [LlamaConfig, Qwen2Config])
def test_the_architecture_stays(kind) -> None:
    target = kind(
        hidden_size=512, intermediate_size=2048, num_hidden_layers=8, num_attention_heads=8,
        num_key_value_heads=2, rope_parameters={"rope_type": "default", "rope_theta": 77_000.0},
    )  # fmt: skip
    small = scaled(target, Size(layers=3, width=192, head=32), 300)
    assert (small.model_type, small.rope_parameters) == (target.model_type, target.rope_parameters)
    assert (small.num_attention_heads, small.num_key_value_heads, small.head_dim) == (6, 1, 32)
    assert (small.intermediate_size, small.vocab_size, small.num_hidden_layers) == (768, 300, 3)
    assert target.num_hidden_layers == 8
    assert not misfit(small)
    logits = random_model(small, 0)(input_ids=WORDS).logits
    assert logits.shape == (1, 4, 300)
    assert parameters(random_model(small, 0)) == sum(
        each.numel() for each in {id(each): each for each in random_model(small, 0).parameters()}.values()
    )


def test_the_seed_decides_and_nobody_elses_chance_is_touched(tiny_model_dir: Path) -> None:
    small = scaled(read_config(tiny_model_dir), Size(1, 32, 16), 300)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one, same, other = (random_model(small, seed)(input_ids=WORDS).logits for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("size", [Size(0, 64, 16), Size(1, 60, 16), Size(1, 45, 15), Size(1, 0, 16)])
def test_impossible_sizes_are_refused(tiny_model_dir: Path, size: Size) -> None:
    with pytest.raises(BadRecipe):
        scaled(read_config(tiny_model_dir), size, 300)


def test_the_kinds_are_those_the_kernels_run() -> None:
    assert KINDS == KERNEL_KINDS


def test_other_architectures_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(BadRecipe, match="gpt2"):
        read_config(tmp_path)
    with pytest.raises(BadRecipe, match="no readable"):
        read_config(tmp_path / "nowhere")


def test_the_first_layers_are_the_models_own(tiny_model_dir: Path) -> None:
    """With all layers, the logits of the kept words are the model's, for inputs that are words."""
    whole = load_whole(tiny_model_dir, torch.float32)
    kept = np.arange(100, 400, 3, dtype=np.int32)
    vocabulary = Vocabulary(kept, np.zeros(len(whole.get_input_embeddings().weight), np.int32))
    draft = first_layers(tiny_model_dir, 3, vocabulary)
    words = torch.tensor([[0, 9, 4, 50]])
    theirs = whole(input_ids=torch.from_numpy(kept)[words].long()).logits[..., torch.from_numpy(kept).long()]
    assert torch.allclose(draft(input_ids=words).logits, theirs, atol=1e-4)
    shallow = first_layers(tiny_model_dir, 1, vocabulary)
    hidden = whole.model(
        input_ids=torch.from_numpy(kept)[words].long(), output_hidden_states=True
    ).hidden_states
    mine = shallow.model(input_ids=words).last_hidden_state
    assert torch.allclose(mine, whole.model.norm(hidden[1]), atol=1e-4)
    with pytest.raises(BadRecipe, match="3 layers"):
        first_layers(tiny_model_dir, 4, vocabulary)


def test_a_model_that_cannot_be_opened_is_one_sentence(tmp_path: Path, tiny_model_dir: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_model_dir / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadRecipe, match="cannot be opened"):
        load_whole(tmp_path, torch.float32)
