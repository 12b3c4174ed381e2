"""A pass on the kernels computes what transformers computes with the same rounding."""

import copy
import gc
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from numba import TypingError

from completion.cpu.passes import MOST_ROWS, CpuPass
from completion.cpu.skeleton import sizes_of
from completion.cpu.weights import pack_model
from kvcache.branch import ROOT
from kvcache.hf import cache_shape
from kvcache.plan import plan_reuse
from kvcache.rotary import rotary_of
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.branches import path_to
from tests.completion.cpu.models import CONFIGS, in_few_bits, make

LENGTH = 150
TOKENS = tuple(torch.randint(150, (LENGTH,), generator=torch.Generator().manual_seed(5)).tolist())


def pass_of(model: Any, threads: int = 2, bits: int = 8) -> CpuPass:
    config = model.config
    rotary = model.model.rotary_emb
    return CpuPass(
        pack_model(model, bits), sizes_of(config), config.vocab_size, rotary=rotary, threads=threads
    )


def store_of(model: Any, capacity: int = 256) -> KVStore:
    shape = cache_shape(model.config, 4)
    rotary = rotary_of(model, shape.head_dim, 4096)
    return KVStore(shape, capacity, dtype=torch.float32, device=torch.device("cpu"), rotary=rotary)


def in_pieces(subject: CpuPass, store: KVStore, pieces: Sequence[int]) -> torch.Tensor:
    """The logits of TOKENS, computed in pieces of these lengths: ``[tokens, vocabulary]``."""
    found: list[torch.Tensor] = []
    start = 0
    with torch.inference_mode():
        for length in pieces:
            with store.appending(TOKENS[start : start + length]) as rows:
                found.append(subject.every_logits(store, rows))
            start += length
    return torch.cat(found)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_transformers(name: str, bits: int) -> None:
    model = make(CONFIGS[name])
    subject, store = pass_of(model, bits=bits), store_of(model)
    logits = in_pieces(subject, store, [LENGTH])
    with torch.inference_mode():
        out = in_few_bits(model, bits)(torch.tensor([TOKENS]), use_cache=True)
    assert logits.shape == (LENGTH, 150)
    assert unlike(logits, out.logits[0]) < 1.5e-2
    for cached, part in zip(store.read(), ("keys", "values"), strict=True):
        for layer, ours in enumerate(cached):
            assert unlike(ours, getattr(out.past_key_values.layers[layer], part)[0]) < 1.5e-2


def unlike(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The relative error: what lies on the edge of a rounding may fall to the other side."""
    return float((ours - theirs).square().mean().sqrt() / theirs.std())


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("pieces", [[1] * LENGTH, [7] * 21 + [3], [MOST_ROWS, 22], [2, 12, 13, 123]])
def test_a_row_does_not_depend_on_its_company(threads: int, pieces: list[int]) -> None:
    """To the last bit: a prompt may be encoded in any pieces, by any number of threads."""
    model = make(CONFIGS["qwen2"])
    whole, parts = store_of(model), store_of(model)
    wanted = in_pieces(pass_of(model, 1), whole, [LENGTH])
    assert torch.equal(in_pieces(pass_of(model, threads), parts, pieces), wanted)
    assert all(torch.equal(*pair) for pair in zip(whole.read(), parts.read(), strict=True))


def test_scattered_slots_change_nothing() -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    wanted = in_pieces(subject, store_of(model), [LENGTH])
    with torch.inference_mode():
        with store.appending(TOKENS[:50] + TOKENS[90:], Role.PREFIX) as rows:
            subject.encode(store, rows)
        store.apply(plan_reuse(store.tokens, tagged([(Role.PREFIX, TOKENS)])))
        assert set(range(50, 90)) <= set(store.missing)
        with store.encoding(range(50, LENGTH)) as rows:
            assert rows.slot_numbers != rows.at
            logits = subject.last_logits(store, rows)
    assert torch.allclose(logits, wanted[-1], atol=1e-5)


TREE = (ROOT, 0, 0, 1, 2, 2, 5, 5, 7, 3)
GUESSES = (9, 30, 44, 31, 9, 71, 50, 12, 13, 14)


@pytest.mark.parametrize(("name", "threads"), [("qwen2", 1), ("qwen2", 3), ("mistral with wide heads", 2)])
@pytest.mark.parametrize("held", [1, 20, 58, 61, 64, 122, 127])
def test_a_tree_has_the_bits_of_its_paths(name: str, held: int, threads: int) -> None:
    """Every row, and the store when a path is kept: to the last bit, also across the end of a block."""
    model = make(CONFIGS[name])
    subject = pass_of(model, threads)
    for node in (8, 9, 6, 4, 2):
        store, plain = store_of(model), store_of(model)
        path = path_to(TREE, node)
        for each in (store, plain):
            in_pieces(subject, each, [held])
        with torch.inference_mode():
            with store.branching(GUESSES, TREE) as rows:
                logits = subject.every_logits(store, rows)
            store.keep(path)
            wanted = [append_one(subject, plain, GUESSES[each]) for each in path]
            assert torch.equal(logits[list(path)], torch.stack(wanted))
            assert all(torch.equal(*pair) for pair in zip(store.read(), plain.read(), strict=True))
            after = [append_one(subject, each, 7) for each in (store, plain)]
            assert torch.equal(*after)


@pytest.mark.parametrize("gone", [(3, 6), (60, 68), (63, 64)])
def test_a_tree_in_scattered_slots_has_the_bits_of_its_paths(gone: tuple[int, int]) -> None:
    """An edit has left holes, which the guesses fill first."""
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    text = TOKENS[:126]
    with torch.inference_mode():
        with store.appending(text, Role.PREFIX) as rows:
            subject.encode(store, rows)
        wanted = tagged([(Role.PREFIX, text[: gone[0]] + text[gone[1] :])])
        store.apply(plan_reuse(store.tokens, wanted))
        assert store.holes or store.missing
        with store.encoding(store.missing or (len(store) - 1,)) as rows:
            subject.encode(store, rows)
        for node in (8, 9, 6):
            ours, plain, path = store.copy(), store.copy(), path_to(TREE, node)
            with ours.branching(GUESSES, TREE) as rows:
                logits = subject.every_logits(ours, rows)
            ours.keep(path)
            alone = [append_one(subject, plain, GUESSES[each]) for each in path]
            assert torch.equal(logits[list(path)], torch.stack(alone))
            assert all(torch.equal(*pair) for pair in zip(ours.read(), plain.read(), strict=True))


def append_one(subject: CpuPass, store: KVStore, token: int) -> torch.Tensor:
    with store.appending([token]) as rows:
        return subject.last_logits(store, rows)


def test_a_tree_larger_than_a_piece_has_the_bits_of_its_paths() -> None:
    """And the logits asked for are those of the last row, wherever it stands."""
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    in_pieces(subject, store, [50])
    behind = (*range(ROOT, 59), ROOT, *range(60, MOST_ROWS + 19), 3)
    tokens = (TOKENS * 2)[: len(behind)]
    with torch.inference_mode():
        with store.branching(tokens, behind) as rows:
            logits = subject.every_logits(store, rows)
        with store.branching(tokens, behind) as rows:
            assert torch.equal(subject.last_logits(store, rows), logits[-1])
        for node in (len(behind) - 2, len(behind) - 1):
            path, plain = path_to(behind, node), store.copy()
            with plain.appending([tokens[each] for each in path]) as rows:
                assert torch.equal(logits[list(path)], subject.every_logits(plain, rows))


def test_a_tree_far_behind_the_first_table_whose_last_row_is_not_the_deepest() -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model, 1_280)
    with torch.inference_mode():
        with store.appending((TOKENS * 9)[:1_022]) as rows:
            subject.encode(store, rows)
        plain = store.copy()
        with store.branching((1, 2, 3, 4), (ROOT, 0, 1, ROOT)) as rows:
            logits = subject.every_logits(store, rows)
        fresh = pass_of(model)
        with plain.appending((1, 2, 3)) as rows:
            assert torch.equal(fresh.every_logits(plain, rows), logits[:3])


def test_only_the_logits_asked_for() -> None:
    model = make(CONFIGS["llama with biases"])
    subject, store = pass_of(model), store_of(model)
    wanted = in_pieces(subject, store_of(model), [LENGTH])
    with torch.inference_mode():
        with store.appending(TOKENS[:-3]) as rows:
            subject.encode(store, rows)
        with store.appending(TOKENS[-3:]) as rows:
            assert torch.equal(subject.last_logits(store, rows), wanted[-1])


def test_positions_far_behind_the_first_table() -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model, 1_280)
    long = (TOKENS * 9)[:1_200]
    with torch.inference_mode():
        with store.appending(long) as rows:
            logits = subject.last_logits(store, rows)
        wanted = in_few_bits(copy.deepcopy(model))(torch.tensor([long])).logits[0, -1]
    assert unlike(logits, wanted) < 1e-2


def test_a_pass_that_is_dropped_leaves_nothing() -> None:
    gc.collect()
    before = set(threading.enumerate())
    model = make(CONFIGS["qwen2"])
    subject = pass_of(model, 3)
    in_pieces(subject, store_of(model), [5])
    assert len(set(threading.enumerate()) - before) == 2
    panels = weakref.ref(subject._weights.qkv.panels)
    del subject
    gc.collect()
    assert panels() is None
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize("who", [0, 2])
def test_a_thread_that_fails_is_not_waited_for(who: int) -> None:
    """Its error is raised, the tokens are forgotten, and the next pass is whole."""
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model, 3), store_of(model)
    wanted = in_pieces(subject, store_of(model), [20])
    own, subject._own[who] = subject._own[who], None
    with torch.inference_mode(), pytest.raises(TypingError), store.appending(TOKENS[:20]) as rows:
        subject.encode(store, rows)
    assert len(store) == 0
    subject._own[who] = own
    assert torch.equal(in_pieces(subject, store, [20]), wanted)


@pytest.mark.parametrize("token", [150, 191, 192, 1 << 40, -1])
def test_a_token_that_is_none_is_refused(token: int) -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    with torch.inference_mode(), pytest.raises(IndexError, match="150"), store.appending([1, token]) as rows:
        subject.encode(store, rows)
    assert len(store) == 0


@pytest.mark.parametrize("capacity", [1, 5, 63, 65])
def test_a_store_of_any_size_is_filled_to_its_last_slot(capacity: int) -> None:
    model = make(CONFIGS["mistral with wide heads"])
    subject = pass_of(model)
    wanted = in_pieces(subject, store_of(model), [capacity])
    store = store_of(model, capacity)
    assert torch.equal(in_pieces(subject, store, [1] * capacity), wanted)
    store.audit()


def in_two_halves(subject: CpuPass, store: KVStore, pieces: Sequence[int], layers: int) -> torch.Tensor:
    """As :func:`in_pieces`, but the first ``layers`` of each piece apart from the others."""
    found: list[torch.Tensor] = []
    start = 0
    with torch.inference_mode():
        for length in pieces:
            with store.appending(TOKENS[start : start + length]) as rows:
                found.append(subject.deep(store, rows, subject.shallow(store, rows, layers), layers))
            start += length
    return torch.cat(found)


@pytest.mark.parametrize("pieces", [[1] * 12, [7, 1, 4], [LENGTH]])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["qwen2", "llama without groups"])
def test_shallow_then_deep_is_the_whole(name: str, layers: int, pieces: list[int]) -> None:
    """To the last bit, wherever a model is cut, for one row and for several."""
    model = make(CONFIGS[name])
    subject, whole, halves = pass_of(model), store_of(model), store_of(model)
    wanted = in_pieces(subject, whole, pieces)
    assert torch.equal(in_two_halves(subject, halves, pieces, layers), wanted)
    assert all(torch.equal(*pair) for pair in zip(whole.read(), halves.read(), strict=True))


def test_shallow_rows_one_by_one_then_deep_together() -> None:
    """What drafting does: each row is begun when the one in front of it is known, all are ended at once."""
    model = make(CONFIGS["qwen2"])
    subject, whole, store = pass_of(model), store_of(model), store_of(model)
    wanted = in_pieces(subject, whole, [20, 4])
    with torch.inference_mode():
        in_pieces(subject, store, [20])
        begun: list[torch.Tensor] = []
        for token in TOKENS[20:24]:
            with store.appending([token]) as rows:
                begun.append(subject.shallow(store, rows, 2))
        store.truncate(20)
        with store.appending(TOKENS[20:24]) as rows:
            assert torch.equal(subject.deep(store, rows, torch.cat(begun), 2), wanted[20:])
    assert all(torch.equal(*pair) for pair in zip(whole.read(), store.read(), strict=True))


def test_shallow_leaves_deeper_layers_alone() -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    with torch.inference_mode(), store.appending(TOKENS[:5]) as rows:
        assert subject.shallow(store, rows, 2).shape == (5, 64)
    for cached in store.read():
        assert cached[:2].abs().amax(dim=(1, 3)).min() > 0
        assert not cached[2].any()


@pytest.mark.parametrize("layers", [-1, 4])
def test_layers_that_there_are_not_are_refused(layers: int) -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    with torch.inference_mode(), pytest.raises(ValueError, match="3 layers"), store.appending([1]) as rows:
        subject.shallow(store, rows, layers)
    with torch.inference_mode(), pytest.raises(ValueError, match="3 layers"), store.appending([1]) as rows:
        subject.deep(store, rows, torch.zeros(1, 64), layers)


@pytest.mark.parametrize("shape", [(1, 64), (2, 63), (2, 128)])
def test_hidden_states_of_other_rows_are_refused(shape: tuple[int, int]) -> None:
    model = make(CONFIGS["qwen2"])
    subject, store = pass_of(model), store_of(model)
    with torch.inference_mode(), pytest.raises(ValueError, match="Hidden"), store.appending([1, 2]) as rows:
        subject.deep(store, rows, torch.zeros(shape), 1)
    assert len(store) == 0
