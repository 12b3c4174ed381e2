"""A GGUF file becomes a directory that transformers opens, with the same numbers in it."""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import dequantize, quantize
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from completion.architectures import tensor_name
from completion.convert import convert
from completion.errors import CorruptModel, DiskFull, NoFimTokens, UnsupportedModel
from completion.progress import Progress
from tests.completion.model_files import (
    FFN,
    HEADS,
    HIDDEN,
    KV_HEADS,
    LAYERS,
    Q8,
    QWEN_SPECIAL,
    random_tensors,
    write_gguf,
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    return directory


def converted(source: Path, out: Path) -> dict[str, np.ndarray]:
    convert(source, out)
    return load_file(out / "model.safetensors")


def test_every_tensor_is_the_dequantised_one_rounded_to_float16(tmp_path: Path, out: Path) -> None:
    tensors = random_tensors(288, biases=True)
    found = converted(write_gguf(tmp_path / "m.gguf", tensors=tensors), out)
    assert len(found) == len(tensors)
    for name, values in tensors.items():
        stored = values if values.ndim == 1 else dequantize(quantize(values, Q8), Q8)
        assert np.array_equal(found[tensor_name(name)], stored.astype(np.float16)), name


@pytest.mark.filterwarnings("default")
def test_transformers_opens_the_directory_and_generates(tmp_path: Path, out: Path) -> None:
    convert(write_gguf(tmp_path / "m.gguf"), out)
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(out)
    prompt = tokenizer("<|fim_prefix|>def<|fim_suffix|><|fim_middle|>", return_tensors="pt")
    assert prompt.input_ids.shape == (1, 4)
    assert model.generate(**prompt, max_new_tokens=3).shape[1] > 4
    assert model.config.model_type == "qwen2"
    assert model.generation_config.do_sample is False


def test_llama_rows_are_permuted_back(tmp_path: Path, out: Path) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=288, hidden_size=HIDDEN, intermediate_size=FFN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, tie_word_embeddings=True,
    )  # fmt: skip
    ours = {name: values.numpy() for name, values in LlamaForCausalLM(config).state_dict().items()}
    tensors = random_tensors(288, biases=False)
    for name in tensors:
        values = ours[tensor_name(name)].astype(np.float16).astype(np.float32)
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(name.split(".")[2] if "blk" in name else "")
        if heads:  # as convert_hf_to_gguf.py of llama.cpp writes them
            values = values.reshape(heads, 2, -1, HIDDEN).swapaxes(1, 2).reshape(values.shape)
        tensors[name] = values
    plain = gguf.GGMLQuantizationType.F32
    found = converted(
        write_gguf(tmp_path / "m.gguf", architecture="llama", tensors=tensors, stored=plain), out
    )
    for name, values in found.items():
        assert np.array_equal(values, ours[name].astype(np.float16)), name


def test_a_missing_or_equal_output_matrix_is_tied_and_a_different_one_is_not(tmp_path: Path) -> None:
    tensors = random_tensors(288, biases=True)
    equal = tensors | {"output.weight": tensors["token_embd.weight"]}
    different = tensors | {"output.weight": tensors["token_embd.weight"] + 1}
    for index, (case, tied) in enumerate([(tensors, True), (equal, True), (different, False)]):
        directory = tmp_path / str(index)
        directory.mkdir()
        found = converted(write_gguf(tmp_path / f"{index}.gguf", tensors=case), directory)
        assert json.loads((directory / "config.json").read_text())["tie_word_embeddings"] is tied
        assert ("lm_head.weight" not in found) is tied


def test_generation_ends_at_every_token_of_the_family(tmp_path: Path, out: Path) -> None:
    convert(write_gguf(tmp_path / "m.gguf"), out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    ends = json.loads((out / "generation_config.json").read_text())["eos_token_id"]
    assert set(ends) == set(tokenizer.convert_tokens_to_ids(QWEN_SPECIAL))


def test_progress_reaches_its_end(tmp_path: Path, out: Path) -> None:
    steps: list[Progress] = []
    convert(write_gguf(tmp_path / "m.gguf"), out, progress=steps.append)
    assert {step.stage for step in steps} == {"convert"}
    assert steps[-1].done == steps[-1].total > 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"architecture": "mamba"}, UnsupportedModel, "mamba"),
        ({"special": ["<|endoftext|>"]}, NoFimTokens, "<|fim_prefix|>"),
        ({"pre": "martian"}, UnsupportedModel, "martian"),
        ({"vocabulary_kind": "bert"}, UnsupportedModel, "bert"),
        (
            {"metadata": {"rope.scaling.type": "wobbly", "rope.scaling.factor": 2.0}},
            UnsupportedModel,
            "wobbly",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, out: Path, options, error, said) -> None:
    with pytest.raises(error) as refusal:
        convert(write_gguf(tmp_path / "m.gguf", **options), out)
    assert said in str(refusal.value)


def test_linear_rotary_scaling_is_kept(tmp_path: Path, out: Path) -> None:
    scaling = {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}
    convert(write_gguf(tmp_path / "m.gguf", metadata=scaling), out)
    rotary = json.loads((out / "config.json").read_text())["rope_parameters"]
    assert rotary == {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0}


@pytest.mark.parametrize("left", [0, 3, 400, 20_000])
def test_a_cut_off_file_is_corrupt(tmp_path: Path, out: Path, left: int) -> None:
    source = write_gguf(tmp_path / "m.gguf")
    source.write_bytes(source.read_bytes()[:left])
    with pytest.raises(CorruptModel):
        convert(source, out)


def test_values_that_are_no_numbers_are_corrupt(tmp_path: Path, out: Path) -> None:
    tensors = random_tensors(288, biases=True)
    tensors["output_norm.weight"][3] = np.nan
    with pytest.raises(CorruptModel, match=r"output_norm\.weight"):
        convert(write_gguf(tmp_path / "m.gguf", tensors=tensors), out)


def test_a_full_disk_is_known_before_the_weights_are_written(tmp_path: Path, out: Path) -> None:
    with pytest.raises(DiskFull, match="free disk space"):
        convert(write_gguf(tmp_path / "m.gguf"), out, free=lambda _: 0)
    assert not (out / "model.safetensors").exists()
