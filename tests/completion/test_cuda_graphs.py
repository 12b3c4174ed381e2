"""The recorder of a GPU: CUDA graphs that compute what plain passes do, and failures that harm nothing.

What of it does not need a GPU is in test_graphs, over a tape with the same rules.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from completion.config import EngineConfig
from completion.cuda_graphs import CudaRecorder
from completion.forward import Forward
from completion.graphs import GraphPass
from completion.loading import LoadedModel, load_model
from completion.passes import TransformersPass
from completion.sampling import greedy
from kvcache.plan import plan_reuse
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.completion.tape import ReadsOnTheHost

pytestmark = pytest.mark.gpu

PROMPT = tuple(range(20, 60))


def make_store(loaded: LoadedModel, capacity: int = 1024) -> KVStore:
    store = KVStore(loaded.shape, capacity, dtype=loaded.dtype, device=loaded.device, rotary=loaded.rotary)
    forward_of(loaded, TransformersPass(loaded.model)).encode(store, PROMPT)
    return store


def forward_of(loaded: LoadedModel, passes: GraphPass | TransformersPass) -> Forward:
    return Forward(passes, loaded.shape, dtype=loaded.dtype, device=loaded.device)


def recorded(loaded: LoadedModel, *, most: int = 48) -> GraphPass:
    return GraphPass(TransformersPass(loaded.model), CudaRecorder(loaded.device), most=most)


def assert_same(loaded: LoadedModel, passes: GraphPass, store: KVStore, plain: KVStore, rows: int) -> None:
    """Four passes of ``rows`` rows each give the logits, and leave the keys, of plain ones."""
    ours, theirs = forward_of(loaded, passes), forward_of(loaded, TransformersPass(loaded.model))
    for start in (100, 200, 300, 400):
        tokens = range(start, start + rows)
        assert torch.allclose(ours.every_logits(store, tokens), theirs.every_logits(plain, tokens), atol=1e-3)
    assert all(torch.allclose(*pair, atol=1e-3) for pair in zip(store.read(), plain.read(), strict=True))
    store.audit()


@contextmanager
def refusing_to_wait() -> Iterator[None]:
    """Any operation that makes the host wait for the device raises."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Ss]ynchronization debug mode.*")  # a prototype, it says
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 11, 16])
def test_graphs_compute_what_plain_passes_do(tiny_on_gpu: LoadedModel, rows: int) -> None:
    passes = recorded(tiny_on_gpu)
    assert_same(tiny_on_gpu, passes, make_store(tiny_on_gpu), make_store(tiny_on_gpu), rows)
    assert passes.recorded == 1


def test_a_gpu_decodes_what_a_cpu_does(tiny: LoadedModel, tiny_on_gpu: LoadedModel) -> None:
    ours, theirs = make_store(tiny_on_gpu), make_store(tiny)
    token = PROMPT[-1]
    for _ in range(20):
        here, there = tiny_on_gpu.forward.logits(ours, [token]), tiny.forward.logits(theirs, [token])
        assert torch.allclose(here.cpu(), there, atol=1e-2)
        token = greedy(there)


def test_a_replayed_step_never_waits(tiny_on_gpu: LoadedModel) -> None:
    forward, store = forward_of(tiny_on_gpu, recorded(tiny_on_gpu)), make_store(tiny_on_gpu)
    for token in (1, 2, 3):
        forward.logits(store, [token])
    with refusing_to_wait():
        forward.logits(store, [4])


def test_a_plain_pass_never_waits(tiny_on_gpu: LoadedModel) -> None:
    forward = forward_of(tiny_on_gpu, TransformersPass(tiny_on_gpu.model))
    store = make_store(tiny_on_gpu)
    forward.logits(store, range(100, 140))
    with refusing_to_wait():
        forward.logits(store, range(200, 240))


def test_steps_that_are_queued_do_not_mix(tiny_on_gpu: LoadedModel) -> None:
    """Nothing is read between them, so the inputs of one lie in host memory while the next is asked for."""
    forward, store = forward_of(tiny_on_gpu, recorded(tiny_on_gpu)), make_store(tiny_on_gpu)
    plain, other = forward_of(tiny_on_gpu, TransformersPass(tiny_on_gpu.model)), make_store(tiny_on_gpu)
    queued = [forward.logits(store, [token]) for token in range(100, 140)]
    for token, logits in zip(range(100, 140), queued, strict=True):
        assert torch.allclose(logits, plain.logits(other, [token]), atol=1e-3)


def test_stores_that_grow_or_were_edited(tiny_on_gpu: LoadedModel) -> None:
    passes, store, plain = recorded(tiny_on_gpu), make_store(tiny_on_gpu), make_store(tiny_on_gpu)
    assert_same(tiny_on_gpu, passes, store, plain, 2)
    wanted = tagged([(Role.TAIL, (*store.ids[:7], 9, 8, 7, *store.ids[9:]))])
    for each in (store, plain):
        each.apply(plan_reuse(each.tokens, wanted))
        forward_of(tiny_on_gpu, TransformersPass(tiny_on_gpu.model)).encode_at(each, each.missing)
    assert_same(tiny_on_gpu, passes, store, plain, 2)
    store.grow(2048)
    assert_same(tiny_on_gpu, passes, store, plain, 2)
    assert passes.recorded == 1


def test_all_graphs_may_go_and_others_come(tiny_on_gpu: LoadedModel) -> None:
    """The memory pool outlives them."""
    passes = recorded(tiny_on_gpu, most=1)
    for rows in (1, 2, 4, 1):
        assert_same(tiny_on_gpu, passes, make_store(tiny_on_gpu), make_store(tiny_on_gpu), rows)
    assert passes.recorded == 1


def test_a_capture_that_fails_leaves_the_device_usable(
    tiny_on_gpu: LoadedModel, caplog: pytest.LogCaptureFixture
) -> None:
    stream = torch.cuda.current_stream()
    passes = GraphPass(ReadsOnTheHost(tiny_on_gpu.model), CudaRecorder(tiny_on_gpu.device))
    forward, store = forward_of(tiny_on_gpu, passes), make_store(tiny_on_gpu)
    plain, other = forward_of(tiny_on_gpu, TransformersPass(tiny_on_gpu.model)), make_store(tiny_on_gpu)
    with caplog.at_level(logging.WARNING):
        for token in range(100, 106):
            ours, theirs = forward.logits(store, [token]), plain.logits(other, [token])
            assert torch.allclose(ours, theirs, atol=1e-3)
    assert len(caplog.messages) == 1
    assert "without recorded passes" in caplog.messages[0]
    assert torch.cuda.current_stream() == stream
    torch.cuda.empty_cache()
    assert_same(tiny_on_gpu, recorded(tiny_on_gpu), store, other, 4)


def test_bfloat16_is_the_default(tiny_model_dir: Path) -> None:
    loaded = load_model("tiny", tiny_model_dir, EngineConfig(device="cuda"))
    assert (loaded.weights, loaded.dtype) == ("bfloat16", torch.bfloat16)
    store, plain = make_store(loaded), make_store(loaded)
    theirs = forward_of(loaded, TransformersPass(loaded.model))
    for token in range(100, 110):
        ours, wanted = loaded.forward.logits(store, [token]), theirs.logits(plain, [token])
        assert ours.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(ours, wanted, dim=0) > 0.99


def test_choosing_among_allowed_ids_reads_once(tiny_on_gpu: LoadedModel) -> None:
    logits = torch.zeros(800, device=tiny_on_gpu.device)
    logits[[3, 500, 600]] = torch.tensor([9.0, 5.0, 5.0], device=tiny_on_gpu.device)
    assert greedy(logits) == 3
    assert greedy(logits, [700, 600, 500]) == 500


def test_twins_of_a_loaded_model_share_nothing(tiny_on_gpu: LoadedModel) -> None:
    """Two recorders in one process, as two engines have."""
    twin = replace(tiny_on_gpu, name="twin")
    for loaded in (tiny_on_gpu, twin):
        assert_same(loaded, recorded(loaded), make_store(loaded), make_store(loaded), 8)
