"""A pass computes what transformers' own model computes, whatever the slots look like."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from completion.graphs import GraphPass
from completion.loading import LoadedModel
from completion.passes import Pass, TransformersPass
from kvcache.branch import ROOT
from kvcache.plan import plan_reuse
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.branches import path_to
from tests.completion.tape import TapeRecorder

TOKENS = (5, 77, 130, 12, 300, 41, 8, 256, 19, 640, 3)


@pytest.fixture(params=["plain", "recorded"])
def subject(request: pytest.FixtureRequest, tiny: LoadedModel) -> Pass:
    """The pass under test; test_passes_cuda has those of a GPU."""
    plain = TransformersPass(tiny.model)
    return plain if request.param == "plain" else GraphPass(plain, TapeRecorder(), at_once=True)


@pytest.fixture
def reference(tiny_model_dir: Path) -> torch.Tensor:
    """The logits of transformers' own attention and cache: float32 ``[tokens, vocabulary]``."""
    auto: Any = AutoModelForCausalLM  # partly untyped
    model = auto.from_pretrained(tiny_model_dir, attn_implementation="eager").eval()
    with torch.inference_mode():
        return model(torch.tensor([TOKENS])).logits[0]


TREE = (ROOT, ROOT, 0, 0, 1, 4, 5, 3)
GUESSES = (9, 300, 44, 300, 9, 71, 500, 12)


@pytest.mark.parametrize("behind", [TREE, (ROOT, 0, 1, 2)], ids=["tree", "chain"])
def test_a_row_of_a_tree_is_one_of_its_path(
    tiny: LoadedModel, subject: Pass, behind: tuple[int, ...]
) -> None:
    """Its logits, and the store when any path is kept: as if the path had been encoded plainly."""
    guesses = GUESSES[: len(behind)]
    for node in range(ROOT, len(behind)):
        store, plain = filled(tiny, subject), filled(tiny, subject)
        path = path_to(behind, node)
        with torch.inference_mode():
            with store.branching(guesses, behind) as rows:
                logits = subject.every_logits(store, rows)
            store.keep(path)
            store.audit()
            assert store.exact == len(store) == len(TOKENS) + len(path)
            for each in path:
                with plain.appending((guesses[each],)) as rows:
                    wanted = subject.last_logits(plain, rows)
                assert torch.allclose(logits[each], wanted, atol=1e-4)
            for ours, theirs in zip(store.read(), plain.read(), strict=True):
                assert torch.allclose(ours, theirs, atol=1e-5)
            after = []
            for each in (store, plain):
                with each.appending((5, 6)) as rows:
                    after.append(subject.every_logits(each, rows))
            assert torch.allclose(*after, atol=1e-4)


def filled(tiny: LoadedModel, subject: Pass) -> KVStore:
    store = empty_store(tiny)
    with torch.inference_mode(), store.appending(TOKENS) as rows:
        subject.encode(store, rows)
    return store


def empty_store(tiny: LoadedModel) -> KVStore:
    return KVStore(tiny.shape, 256, dtype=tiny.dtype, device=tiny.device, rotary=tiny.rotary)


def test_every_row_has_its_logits(tiny: LoadedModel, subject: Pass, reference: torch.Tensor) -> None:
    store = empty_store(tiny)
    with torch.inference_mode(), store.appending(TOKENS) as rows:
        logits = subject.every_logits(store, rows)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits.cpu(), reference, atol=1e-3)


@pytest.mark.parametrize("split", [1, 4, len(TOKENS) - 1])
def test_what_was_encoded_before_is_seen(
    tiny: LoadedModel, subject: Pass, reference: torch.Tensor, split: int
) -> None:
    store = empty_store(tiny)
    with torch.inference_mode():
        with store.appending(TOKENS[:split]) as rows:
            subject.encode(store, rows)
        with store.appending(TOKENS[split:]) as rows:
            logits = subject.last_logits(store, rows)
    assert logits.shape == (reference.shape[1],)
    assert torch.allclose(logits.cpu(), reference[-1], atol=1e-3)


def test_scattered_slots_change_nothing(tiny: LoadedModel, subject: Pass, reference: torch.Tensor) -> None:
    """Tokens that were inserted sit in other slots than their positions say."""
    store = empty_store(tiny)
    short = TOKENS[:3] + TOKENS[6:]
    wanted = tagged([(Role.PREFIX, TOKENS)])
    with torch.inference_mode():
        with store.appending(short, Role.PREFIX) as rows:
            subject.encode(store, rows)
        store.apply(plan_reuse(store.tokens, wanted))
        assert {3, 4, 5} <= set(store.missing) < set(range(3, len(TOKENS)))
        with store.encoding(range(3, len(TOKENS))) as rows:
            logits = subject.every_logits(store, rows)
    assert torch.allclose(logits.cpu(), reference[3:], atol=1e-3)
