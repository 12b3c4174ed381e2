"""Recorded passes compute what plain ones do; that they are a pass at all is in test_passes."""

import gc
import logging
from collections.abc import Callable
from pathlib import Path
from weakref import ref

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.config import EngineConfig
from completion.forward import Forward
from completion.graphs import GraphPass
from completion.loading import LoadedModel, load_model
from completion.passes import TransformersPass
from completion.sampling import greedy
from kvcache.audit import largest_error
from kvcache.plan import plan_reuse
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.completion.tape import ReadsOnTheHost, Refuses, TapeRecorder, Traffic

PROMPT = tuple(range(20, 60))


@pytest.fixture
def recorder() -> TapeRecorder:
    return TapeRecorder()


@pytest.fixture
def passes(tiny: LoadedModel, recorder: TapeRecorder) -> GraphPass:
    return GraphPass(TransformersPass(tiny.model), recorder)


@pytest.fixture
def forward(tiny: LoadedModel, passes: GraphPass) -> Forward:
    return Forward(passes, tiny.shape, dtype=tiny.dtype, device=tiny.device)


@pytest.fixture
def filled(tiny: LoadedModel) -> Callable[..., KVStore]:
    """Makes stores that hold PROMPT."""

    def make(capacity: int = 1024) -> KVStore:
        store = KVStore(tiny.shape, capacity, dtype=tiny.dtype, device=tiny.device, rotary=tiny.rotary)
        tiny.forward.encode(store, PROMPT)
        return store

    return make


def decode(forward: Forward, store: KVStore, count: int) -> list[int]:
    tokens = [store.ids[-1]]
    for _ in range(count):
        tokens.append(greedy(forward.logits(store, tokens[-1:])))
    return tokens[1:]


def test_decoding_is_the_same_and_one_recording_does(
    tiny: LoadedModel, forward: Forward, recorder: TapeRecorder, filled: Callable[..., KVStore]
) -> None:
    store = filled()
    assert decode(forward, store, 30) == decode(tiny.forward, filled(), 30)
    assert (recorder.taped, recorder.replayed) == (1, 29)
    assert store.exact == len(store)
    assert largest_error(store, tiny.forward.cold) < 1e-4


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 11, 16])
def test_padding_harms_nothing(
    tiny: LoadedModel, forward: Forward, recorder: TapeRecorder, filled: Callable[..., KVStore], rows: int
) -> None:
    """Other tokens than those that were recorded, at other places."""
    store, plain = filled(), filled()
    for start in (100, 200, 300):
        tokens = tuple(range(start, start + rows))
        assert torch.allclose(
            forward.every_logits(store, tokens), tiny.forward.every_logits(plain, tokens), atol=1e-4
        )
    assert recorder.replayed == 2
    assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(store.read(), plain.read(), strict=True))
    store.audit()


def test_bfloat16_is_recorded_too(tiny_model_dir: Path) -> None:
    loaded = load_model("tiny", tiny_model_dir, EngineConfig(weights="bfloat16", device="cpu"))
    passes = GraphPass(TransformersPass(loaded.model), TapeRecorder(), at_once=True)
    forward = Forward(passes, loaded.shape, dtype=loaded.dtype, device=loaded.device)
    store, plain = (KVStore(loaded.shape, 512, dtype=loaded.dtype, device=loaded.device) for _ in range(2))
    for rows in (8, 3, 1, 1):
        ours = forward.logits(store, PROMPT[:rows])
        wanted = loaded.forward.logits(plain, PROMPT[:rows])
        assert torch.nn.functional.cosine_similarity(ours, wanted, dim=0) > 0.99
    assert passes.recorded == 3


def test_logits_stay_what_they_were(forward: Forward, filled: Callable[..., KVStore]) -> None:
    """A recording gives the same tensor each time; whoever holds its logits does not see that."""
    store = filled()
    forward.logits(store, [1])
    held = forward.logits(store, [2])
    before = held.clone()
    forward.logits(store, [3])
    assert torch.equal(held, before)


def test_a_tree_is_computed_plainly_and_a_chain_is_recorded(
    passes: GraphPass, recorder: TapeRecorder, filled: Callable[..., KVStore]
) -> None:
    store = filled()
    for parents, recorded in (((-1, 0, 0), 0), ((-1, 0, 1), 1)):
        for _ in range(3):
            with torch.inference_mode(), store.branching((1, 2, 3), parents) as rows:
                passes.every_logits(store, rows)
            store.keep((0, 2) if parents[2] == 0 else (0,))
            store.audit()
        assert recorder.taped == recorded


def test_prefill_is_computed_plainly(
    forward: Forward, recorder: TapeRecorder, filled: Callable[..., KVStore]
) -> None:
    store = filled()
    for _ in range(3):
        forward.logits(store, range(100, 117))
    assert recorder.taped == 0


def test_a_new_bucket_is_a_new_recording(
    tiny: LoadedModel, forward: Forward, recorder: TapeRecorder, filled: Callable[..., KVStore]
) -> None:
    store = filled()
    tiny.forward.encode(store, [7] * (510 - len(store)))
    plain = store.copy()
    assert decode(forward, store, 6) == decode(tiny.forward, plain, 6)
    assert recorder.taped == 2


def test_a_store_that_grows_is_recorded_anew(
    tiny: LoadedModel, forward: Forward, passes: GraphPass, filled: Callable[..., KVStore]
) -> None:
    store, plain = filled(256), filled(256)
    assert decode(forward, store, 5) == decode(tiny.forward, plain, 5)
    store.grow(512)
    assert decode(forward, store, 5) == decode(tiny.forward, plain, 5)
    assert passes.recorded == 1


def test_a_store_that_is_dropped_is_not_kept_alive(
    forward: Forward, passes: GraphPass, filled: Callable[..., KVStore]
) -> None:
    store = filled()
    decode(forward, store, 3)
    gone = ref(store)
    del store
    gc.collect()
    assert gone() is None
    decode(forward, filled(), 1)
    assert passes.recorded == 0


def test_stores_do_not_mix(tiny: LoadedModel, forward: Forward, filled: Callable[..., KVStore]) -> None:
    stores, plains = [filled() for _ in range(3)], [filled() for _ in range(3)]
    for turn in range(4):
        for number, (store, plain) in enumerate(zip(stores, plains, strict=True)):
            token = 100 + 10 * number + turn
            ours, theirs = forward.logits(store, [token]), tiny.forward.logits(plain, [token])
            assert torch.allclose(ours, theirs, atol=1e-4)


def test_recordings_are_bounded(
    tiny: LoadedModel, recorder: TapeRecorder, filled: Callable[..., KVStore]
) -> None:
    passes = GraphPass(TransformersPass(tiny.model), recorder, most=2)
    forward = Forward(passes, tiny.shape, dtype=tiny.dtype, device=tiny.device)
    stores = [filled() for _ in range(4)]
    for store in stores:
        decode(forward, store, 3)
    assert recorder.taped == 4
    assert passes.recorded == 2


def test_what_cannot_be_recorded_is_computed_plainly_and_told_once(
    tiny: LoadedModel, filled: Callable[..., KVStore], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Refuses()
    passes = GraphPass(TransformersPass(tiny.model), recorder)
    forward = Forward(passes, tiny.shape, dtype=tiny.dtype, device=tiny.device)
    store = filled()
    with caplog.at_level(logging.WARNING):
        assert decode(forward, store, 6) == decode(tiny.forward, filled(), 6)
    assert recorder.asked == 1
    (said,) = caplog.messages
    assert said.endswith("ValueError: capturing is not permitted here")
    store.audit()


def test_a_model_that_reads_on_the_host_is_not_recorded(
    tiny: LoadedModel,
    recorder: TapeRecorder,
    filled: Callable[..., KVStore],
    caplog: pytest.LogCaptureFixture,
) -> None:
    forward = Forward(
        GraphPass(ReadsOnTheHost(tiny.model), recorder), tiny.shape, dtype=tiny.dtype, device=tiny.device
    )
    assert decode(forward, filled(), 6) == decode(tiny.forward, filled(), 6)
    assert recorder.taped == 0
    assert "_local_scalar_dense" in caplog.text or "item" in caplog.text


def test_a_step_brings_one_tensor_and_reads_none(forward: Forward, filled: Callable[..., KVStore]) -> None:
    """The token is then read once, in ``greedy``."""
    store = filled()
    decode(forward, store, 3)
    with Traffic() as traffic:
        logits = forward.logits(store, [5])
    assert (traffic.brought, traffic.read) == (1, 0)
    with Traffic() as traffic:
        greedy(logits)
    assert (traffic.brought, traffic.read) == (0, 1)


def test_a_plain_pass_too_brings_one_tensor(tiny: LoadedModel, filled: Callable[..., KVStore]) -> None:
    store = filled()
    with Traffic() as traffic:
        tiny.forward.logits(store, range(100, 140))
    assert (traffic.brought, traffic.read) == (1, 0)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 38), st.integers(0, 6), st.integers(1, 9)), min_size=1, max_size=6))
def test_edits_between_replays_change_nothing(
    tiny: LoadedModel,
    forward: Forward,
    filled: Callable[..., KVStore],
    edits: list[tuple[int, int, int]],
) -> None:
    """Moved keys, holes and scattered slots: the recording sees the store as it is by then."""
    store, plain = filled(), filled()
    for at, gone, fresh in edits:
        ids = (*store.ids[:at], *range(400, 400 + fresh), *store.ids[at + gone :])
        wanted = tagged([(Role.TAIL, ids)])
        for each, ours in ((store, forward), (plain, tiny.forward)):
            each.apply(plan_reuse(each.tokens, wanted))
            rows = sorted({*each.missing, len(ids) - 1})
            for start in range(0, len(rows), 5):
                ours.encode_at(each, rows[start : start + 5])
        assert decode(forward, store, 3) == decode(tiny.forward, plain, 3)
        assert all(torch.allclose(*pair, atol=1e-3) for pair in zip(store.read(), plain.read(), strict=True))
        store.audit()
