"""Refreshing: small steps, each a whole; ends when the store went elsewhere."""

from pathlib import Path

import pytest
import torch

from completion.config import CompletionConfig, EngineConfig, Weights
from completion.engine import Engine, Task
from completion.loading import LoadedModel, load_model
from completion.records import CompletionRequest
from completion.window import Layout
from tests.completion.test_engine import ask, task
from tests.editing import SOURCE
from tests.steps import run


def test_a_refresh_goes_in_small_steps_and_closes_holes(tiny: LoadedModel) -> None:
    """Half of the text goes; its slots are holes until the document rests."""
    engine = Engine(tiny, EngineConfig(refresh_chunk=4), CompletionConfig(max_tokens=4, repair_tokens=8))
    half = len(SOURCE) // 2
    for text in (SOURCE, SOURCE[half:]):
        layout = Layout(0, len(text) - 20, 0)
        asked = Task(CompletionRequest(text, len(text) - 9, "doc"), layout, asked_at=0.0, emit=lambda _: None)
        ask(engine, asked)
    with engine.pool.lease(engine.pool.owners[-1], 1) as store:
        assert store.holes > len(store) // 4
        stale = len(store) - store.exact
    encoded, steps = 0, engine.refresh(asked)
    for _ in steps:
        encoded += 1
        with engine.pool.lease(engine.pool.owners[-1], 1) as store:
            assert len(store) - store.exact == max(0, stale - 4 * encoded)
    assert encoded == -(-stale // 4) > 1
    with engine.pool.lease(engine.pool.owners[-1], 1) as store:
        assert store.holes == 0
    assert engine.audit() < 1e-3
    assert run(engine.refresh(asked)) == 0


def test_a_refresh_of_a_store_that_went_elsewhere_ends(engine: Engine) -> None:
    ask(engine, task())
    refresh = engine.refresh(task(SOURCE, 40))
    next(refresh)
    engine.forget("doc")
    assert list(refresh) == []
    assert engine.pool.owners == ()


def test_a_refresh_ends_when_a_request_has_taken_its_store_elsewhere(tiny: LoadedModel) -> None:
    """With room for one store, request and refresh share it; the next refresh is for the new text."""
    small = EngineConfig(refresh_chunk=4, cache_bytes=512 * tiny.shape.token_bytes)
    engine = Engine(tiny, small, CompletionConfig(max_tokens=4, repair_tokens=0))
    ask(engine, task(SOURCE, 90))
    refresh = engine.refresh(task("import os\n" + SOURCE, 100))
    next(refresh)
    ask(engine, task("import sys, os\n" + SOURCE, 105))
    held = engine.pool.held("doc")
    assert list(refresh) == []
    assert engine.pool.held("doc") == held
    assert run(engine.refresh(task("import sys, os\n" + SOURCE, 105))) > 0


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_a_refreshed_cache_has_the_bits_of_a_cold_one(tiny_model_dir: Path, weights: Weights) -> None:
    """The kernels round what goes into a product: one last bit of a sum taken in another order would show."""
    loaded = load_model("tiny", tiny_model_dir, EngineConfig(weights=weights, device="cpu"))
    engine = Engine(loaded, EngineConfig(), CompletionConfig(max_tokens=4, repair_tokens=8))
    source = SOURCE * 3
    middle = len(source) // 2
    edited = source[:40] + "total = 0\n" + source[40:middle] + source[middle + 60 :]
    for text in (source, edited):
        ask(engine, task(text, len(text) - 30))
    run(engine.refresh(task(edited, len(edited) - 30)))
    with engine.pool.lease(engine.pool.owners[-1], 1) as store:
        assert store.exact == len(store) > 128
        cold = loaded.forward.cold(store.ids)
        assert all(map(torch.equal, store.read(), cold.read()))
