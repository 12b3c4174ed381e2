"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

from benchmarks.gpu_machine import why_no_gpu
from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from tests.tiny import make_model


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of a GPU where there is none, each under its own name."""
    if missing := why_no_gpu():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=f"needs an NVIDIA GPU; {missing}"))


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a tiny real model (random weights) and its tokenizer."""
    return make_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def tiny(tiny_model_dir: Path) -> LoadedModel:
    """The tiny model, loaded in float32."""
    return load_model("tiny", tiny_model_dir, EngineConfig(weights="float32", device="cpu"))


@pytest.fixture(scope="session")
def tiny_on_gpu(tiny_model_dir: Path) -> LoadedModel:
    """The tiny model in float32 on the GPU, for tests with the mark ``gpu``."""
    return load_model("tiny", tiny_model_dir, EngineConfig(weights="float32", device="cuda"))


@pytest.fixture
def engine(tiny: LoadedModel) -> Engine:
    """An engine with empty caches around the tiny model."""
    return Engine(tiny, EngineConfig(prefill_chunk=8), CompletionConfig(max_tokens=12))


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The directory of the real 0.5B model; fetched and converted on first use."""
    from completion.registry import obtain

    return obtain("qwen2.5-coder-0.5b", models_dir=None, has_gpu=False).directory
