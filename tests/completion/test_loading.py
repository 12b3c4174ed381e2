"""Loading: weight formats, devices, and what is refused."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from transformers import PretrainedConfig, Qwen2Config

from completion import loading
from completion.config import EngineConfig
from completion.cpu.linear import KernelLinear
from completion.cpu.target import AVX2, AVX512_VNNI, AVX_VNNI, PLAIN, Target
from completion.errors import CorruptModel, NoFimTokens, UnsupportedModel
from completion.loading import _max_positions, choose_device, choose_weights, load_model
from kvcache.store import KVStore
from tests.tiny import make_model

CPU = torch.device("cpu")


def test_eight_bits_are_close_to_float32(tiny_model_dir: Path) -> None:
    answers = {}
    for weights in ("float32", "int8", "int4"):
        loaded = load_model("tiny", tiny_model_dir, EngineConfig(weights=weights, device="cpu"))
        store = KVStore(loaded.shape, 16, dtype=loaded.dtype, device=CPU)
        answers[weights] = loaded.forward.logits(store, (5, 6, 7))
        assert (loaded.model is None) == (weights != "float32")
        assert loaded.weights == weights
    difference = (answers["int8"] - answers["float32"]).std() / answers["float32"].std()
    assert 0 < difference < 0.05
    coarse = (answers["int4"] - answers["float32"]).std() / answers["float32"].std()
    assert difference < coarse < 0.5


def test_a_tokenizer_without_fim_tokens_is_refused(tmp_path: Path) -> None:
    directory = make_model(tmp_path, specials=("<|endoftext|>",))
    with pytest.raises(NoFimTokens):
        load_model("plain", directory, EngineConfig(device="cpu"))


def test_damaged_files_are_told(tiny_model_dir: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny_model_dir, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CorruptModel, match="broken"):
        load_model("broken", broken, EngineConfig(device="cpu"))
    (broken / "tokenizer.json").write_text("{}")
    with pytest.raises(CorruptModel, match="tokenizer"):
        load_model("broken", broken, EngineConfig(device="cpu"))


def test_cuda_that_is_not_there_is_told() -> None:
    if torch.cuda.is_available():
        assert choose_device("cuda").type == "cuda"
    else:
        with pytest.raises(UnsupportedModel, match="no CUDA device"):
            choose_device("cuda")
    assert choose_device("cpu") == CPU


def test_weights_follow_the_machine() -> None:
    gpu = torch.device("cuda")
    assert choose_weights("auto", gpu) == "bfloat16"
    assert choose_weights("float32", gpu) == "float32"
    for wanted in ("int8", "int4"):
        with pytest.raises(UnsupportedModel, match=wanted):
            choose_weights(wanted, gpu)
    assert choose_weights("auto", CPU) == "int8"
    assert choose_weights("bfloat16", CPU) == "bfloat16"


@pytest.mark.parametrize(
    ("target", "told"), [(AVX512_VNNI, False), (AVX_VNNI, False), (AVX2, True), (PLAIN, True)]
)
def test_a_processor_without_8_bit_products_is_told_and_loads_the_same(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tiny_model_dir: Path,
    *,
    target: Target,
    told: bool,
) -> None:
    monkeypatch.setattr(loading, "host", lambda: target)
    with caplog.at_level(logging.WARNING):
        assert load_model("tiny", tiny_model_dir, EngineConfig(device="cpu")).weights == "int8"
        assert ("no instructions for 8-bit products" in caplog.text) == told
        caplog.clear()
        load_model("tiny", tiny_model_dir, EngineConfig(weights="float32", device="cpu"))
    assert "8-bit" not in caplog.text


def test_a_model_that_the_kernels_do_not_run_whole_has_their_layers(
    monkeypatch: pytest.MonkeyPatch, tiny_model_dir: Path
) -> None:
    whole = load_model("tiny", tiny_model_dir, EngineConfig(device="cpu"))
    monkeypatch.setattr(loading, "misfit", lambda _: "it has odd layers")
    odd = load_model("odd", tiny_model_dir, EngineConfig(device="cpu"))
    assert odd.weights == "int8"
    assert isinstance(odd.model.model.layers[0].mlp.down_proj, KernelLinear)
    logits = []
    for loaded in (whole, odd):
        store = KVStore(loaded.shape, 16, dtype=loaded.dtype, device=CPU)
        logits.append(loaded.forward.logits(store, (5, 6, 7)))
    assert (logits[0] - logits[1]).std() < 0.05 * logits[0].std()
    with pytest.raises(UnsupportedModel, match="int4 do not fit this model: it has odd layers"):
        load_model("odd", tiny_model_dir, EngineConfig(device="cpu", weights="int4"))


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        (Qwen2Config(max_position_embeddings=4096), 4096),
        (Qwen2Config(max_position_embeddings=4096, use_sliding_window=True, sliding_window=512), 512),
        (Qwen2Config(max_position_embeddings=4096, use_sliding_window=False, sliding_window=512), 4096),
        (Qwen2Config(max_position_embeddings=256, use_sliding_window=True, sliding_window=512), 256),
        (PretrainedConfig(), 2048),
    ],
    ids=["own", "window", "window not used", "window wider than the model", "not told"],
)
def test_positions_are_the_models_as_far_as_its_cache_is_plain(
    config: PretrainedConfig, positions: int
) -> None:
    assert _max_positions(config) == positions


def test_a_loaded_model_carries_its_positions(tiny_model_dir: Path, tmp_path: Path) -> None:
    """Also those of a file that says less than the model's own."""
    assert load_model("tiny", tiny_model_dir, EngineConfig(device="cpu")).max_positions == 4096
    narrow = shutil.copytree(tiny_model_dir, tmp_path / "narrow")
    told = json.loads((narrow / "config.json").read_text("utf-8"))
    told |= {"use_sliding_window": True, "sliding_window": 256, "max_window_layers": 0}
    told["layer_types"] = ["sliding_attention"] * told["num_hidden_layers"]
    (narrow / "config.json").write_text(json.dumps(told), "utf-8")
    assert load_model("narrow", narrow, EngineConfig(device="cpu")).max_positions == 256
