"""Keys that move with their tokens. The oracle is the rotation in the model's own code.

A token's key and value are made of its id alone, so whatever a store went through, what it must
hold for any token at any position can be computed.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from completion.loading import LoadedModel
from kvcache.branch import ROOT
from kvcache.config import CacheShape
from kvcache.errors import AuditError, CacheFull, UnsupportedShift
from kvcache.plan import Plan, plan_cold, plan_exact, plan_reuse
from kvcache.repair import Budget, repaired
from kvcache.spans import Role, TaggedTokens, tagged
from kvcache.store import KVStore
from tests.prompts import Parts, edits, histories, roles
from tests.shortage import ShortOfMemory

relaxed = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CLOSE = {torch.float32: 2e-6, torch.bfloat16: 4e-2}


@dataclass(frozen=True)
class Bench:
    """Makes stores for the tiny model's rotation, writes to them and knows what they must hold."""

    shape: CacheShape
    rotary: Any
    module: Any
    dtype: torch.dtype = torch.float32

    def store(self, tokens: TaggedTokens, capacity: int = 512, *, movable: bool = True) -> KVStore:
        """A store that holds ``tokens``, encoded."""
        shape = replace(self.shape, movable=movable)
        rotary = self.rotary if movable else None
        store = KVStore(shape, capacity, dtype=self.dtype, device=torch.device("cpu"), rotary=rotary)
        self.follow(store, plan_cold(store.tokens, tokens))
        return store

    def follow(self, store: KVStore, plan: Plan) -> None:
        """Apply a plan and encode what it says."""
        store.apply(plan)
        with store.encoding(plan.compute) as rows:
            self.write(store, rows)

    def write(self, store: KVStore, rows: Any) -> None:
        keys, values = self.truth(rows.ids, rows.positions)
        for layer in range(self.shape.layers):
            store.write(layer, keys[layer : layer + 1], values=values[layer : layer + 1], rows=rows)

    def truth(self, ids: tuple[int, ...], positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys, turned to ``positions``, and values: ``[layers, kv_heads, n, head_dim]`` each."""
        size = (self.shape.layers, self.shape.kv_heads, self.shape.head_dim)
        raw = [torch.randn(2, *size, generator=torch.Generator().manual_seed(token)) for token in ids]
        keys, values = torch.stack(raw, dim=-2) if raw else torch.empty(2, *size[:2], 0, size[2])
        cos, sin = self.module(keys, positions[None])
        turned, _ = apply_rotary_pos_emb(keys, keys, cos, sin)
        return turned.to(self.dtype), values.to(self.dtype)

    def check(self, store: KVStore) -> float:
        """Audit; the largest error of a key. Values must be as they were written."""
        store.audit()
        assert not store.missing
        expected, values = self.truth(store.ids, torch.arange(len(store)))
        ours, kept = store.read()
        assert torch.equal(kept, values)
        error = float((ours.float() - expected.float()).abs().max()) if len(store) else 0.0
        assert error < CLOSE[self.dtype] * 8
        return error


@pytest.fixture(scope="module")
def bench(tiny: LoadedModel) -> Bench:
    return Bench(tiny.shape, tiny.rotary, tiny.model.model.rotary_emb)


@relaxed
@given(histories(length=8), st.data())
def test_keys_stand_for_their_present_positions(
    bench: Bench, story: list[Parts], data: st.DataObject
) -> None:
    """Through any plans, repairs, copies, compactions and growth."""
    store = bench.store(story[0].prompt, 256)
    for parts in story[1:]:
        made = data.draw(st.sampled_from(["reuse", "repair", "exact", "cold"]))
        held, wanted = store.tokens, parts.prompt
        plan = plan_reuse(held, wanted)
        if made == "repair":
            plan = repaired(plan, Budget(data.draw(st.integers(0, 30))))
        elif made == "exact":
            plan = plan_exact(held, wanted, exact=store.exact)
        elif made == "cold":
            plan = plan_cold(held, wanted)
        bench.follow(store, plan)
        assert store.tokens == wanted
        bench.check(store)
        then = data.draw(st.sampled_from(["nothing", "copy", "compact", "grow", "truncate"]))
        if then == "copy":
            store = store.copy()
        elif then == "compact":
            before = [part.clone() for part in store.read()]
            store.compact()
            assert store.holes == 0
            assert all(torch.equal(*pair) for pair in zip(before, store.read(), strict=True))
        elif then == "grow":
            store.grow(store.capacity + 64)
        elif then == "truncate":
            store.truncate(len(store) - len(store) // 4)
        bench.check(store)


def test_keys_move_on_after_a_compaction(bench: Bench) -> None:
    """What a key was at its birth is moved along with it."""
    text = tuple(range(100, 130))
    store = bench.store(Parts(prefix=text, tail=(1,)).prompt, 64)
    for prefix in (text[10:], text[15:], (5, 6, *text[15:]), text[20:]):
        bench.follow(store, plan_reuse(store.tokens, Parts(prefix=prefix, tail=(1,)).prompt))
        assert store.holes or len(prefix) == 17
        store.compact()
        assert not store.holes
        bench.check(store)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_thousand_edits_wear_nothing_out(bench: Bench, dtype: torch.dtype) -> None:
    """The keys after 1,000 moves are, bit for bit, those after the one move to the same place."""
    bench = replace(bench, dtype=dtype)
    chance = random.Random(0)
    text = tuple(range(100, 180))
    start = Parts(prefix=text, tail=(1,))
    worn, front = bench.store(start.prompt), ()
    for _ in range(1_000):
        front = tuple(range(chance.randrange(1, 60)))
        bench.follow(worn, plan_reuse(worn.tokens, replace(start, prefix=(*front, *text)).prompt))
    once = bench.store(start.prompt)
    bench.follow(once, plan_reuse(once.tokens, worn.tokens))
    assert len(front) > 0
    assert bench.check(worn) <= bench.check(once)
    assert all(torch.equal(*pair) for pair in zip(worn.read(), once.read(), strict=True))
    assert worn.exact < len(worn)


def crash(store: KVStore, positions: Sequence[int]) -> None:
    """A forward pass that fails after its first layer."""
    with store.encoding(positions) as rows:
        nonsense = torch.full((1, 2, len(positions), store.read()[0].shape[-1]), 9.0)
        store.write(0, nonsense, values=nonsense, rows=rows)
        raise RuntimeError("crash")


@relaxed
@given(histories(length=3), edits(), st.data())
def test_a_failed_pass_takes_its_tokens_along_and_no_others(
    bench: Bench, story: list[Parts], edit: Any, data: st.DataObject
) -> None:
    store = bench.store(story[0].prompt, 256)
    for parts in story[1:]:
        bench.follow(store, plan_reuse(store.tokens, parts.prompt))
    wanted = edit(story[-1]).prompt
    plan = repaired(plan_reuse(store.tokens, wanted), Budget(data.draw(st.integers(0, 12))))
    store.apply(plan)
    done = plan.compute[: data.draw(st.integers(0, len(plan.compute) - 1))]
    if done:
        with store.encoding(done) as rows:
            bench.write(store, rows)
    rest = plan.compute[len(done) :]
    chunk = rest[: data.draw(st.integers(1, len(rest)))]
    with pytest.raises(RuntimeError, match="crash"):
        crash(store, chunk)
    gone = set(chunk) | (set(plan.compute) - set(done) - {at for part in plan.repairs for at in part})
    assert roles(store.tokens) == [token for at, token in enumerate(roles(wanted)) if at not in gone]
    bench.check(store)


@relaxed
@given(histories(length=2), edits())
def test_twins_share_nothing(bench: Bench, story: list[Parts], edit: Any) -> None:
    store = bench.store(story[0].prompt, 256)
    for parts in story[1:]:
        bench.follow(store, plan_reuse(store.tokens, parts.prompt))
    twin = store.copy()
    tensors = [
        [part for part in vars(each._arenas).values() if isinstance(part, torch.Tensor)]
        for each in (store, twin)
    ]
    places = [{part.untyped_storage().data_ptr() for part in parts} for parts in tensors]
    assert len(places[0]) == 4
    assert places[0].isdisjoint(places[1])
    held, content = twin.tokens, [part.clone() for part in twin.read()]
    bench.follow(store, plan_reuse(store.tokens, edit(story[-1]).prompt))
    store.truncate(1)
    store.compact()
    store.grow(300)
    assert (twin.tokens, twin.capacity) == (held, 256)
    assert all(torch.equal(*pair) for pair in zip(content, twin.read(), strict=True))
    bench.check(twin)
    bench.follow(twin, plan_reuse(twin.tokens, edit(story[0]).prompt))
    bench.check(store)


OLD = tagged([(Role.PREFIX, (1, 2, 3, 4)), (Role.TAIL, (5,))])
MOVED = tagged([(Role.PREFIX, (9, 1, 2, 3, 4)), (Role.TAIL, (5,))])


def snapshot(store: KVStore) -> tuple[Any, ...]:
    return store.tokens, store.exact, store.missing, store.capacity, [part.tolist() for part in store.read()]


def test_a_shift_that_cannot_be_is_refused_and_changes_nothing(bench: Bench) -> None:
    store = bench.store(OLD, movable=False)
    assert not store.can_move
    before = snapshot(store)
    with pytest.raises(UnsupportedShift, match="cannot be moved"):
        store.apply(plan_reuse(OLD, MOVED))
    assert snapshot(store) == before
    bench.follow(store, plan_exact(OLD, MOVED, exact=store.exact))
    bench.check(store)


@pytest.mark.parametrize("make", [plan_cold, plan_reuse, lambda held, new: plan_exact(held, new, exact=9)])
def test_without_room_a_plan_changes_nothing(bench: Bench, make: Any) -> None:
    store = bench.store(OLD, 6)
    before = snapshot(store)
    large = tagged([(Role.PREFIX, (1, 2, 3, 4)), (Role.TAIL, (5, 6, 7))])
    with pytest.raises(CacheFull):
        store.apply(make(OLD, large))
    assert snapshot(store) == before
    store.audit()


def test_a_plan_for_another_store_is_refused_and_changes_nothing(bench: Bench) -> None:
    store = bench.store(OLD)
    before = snapshot(store)
    with pytest.raises(ValueError, match="does not fit"):
        store.apply(plan_reuse(tagged([(Role.PREFIX, (1, 2))]), MOVED))
    assert snapshot(store) == before


def test_a_pass_that_fails_where_no_key_can_move_leaves_the_front(bench: Bench) -> None:
    """What stood behind the tokens that went cannot close up."""
    store = bench.store(OLD, movable=False)
    with pytest.raises(RuntimeError, match="crash"):
        crash(store, [2, 3])
    assert store.ids == (1, 2)
    bench.check(store)


def test_unfinished_tokens_go_where_no_key_can_move_and_take_along_what_is_behind(bench: Bench) -> None:
    """A token was replaced; nothing had to move for it, but its going would move the rest."""
    store = bench.store(OLD, movable=False)
    store.apply(plan_reuse(OLD, tagged([(Role.PREFIX, (1, 9, 3, 4)), (Role.TAIL, (5,))])))
    assert store.missing == (1, 4)
    store.whole()
    assert store.ids == (1,)
    bench.check(store)


def test_unfinished_tokens_go_and_the_rest_closes_up(bench: Bench) -> None:
    store = bench.store(OLD)
    store.apply(plan_reuse(OLD, MOVED))
    assert store.missing == (0, 5)
    store.whole()
    assert store.ids == (1, 2, 3, 4)
    assert store.exact == 0
    bench.check(store)
    store.whole()
    assert store.ids == (1, 2, 3, 4)


def test_the_audit_sees_a_position_that_a_free_slot_kept(bench: Bench) -> None:
    store = bench.store(OLD)
    store._arenas.position_of[100] = 3  # breaking it is the point
    with pytest.raises(AuditError, match="free slot"):
        store.audit()


def test_a_third_arena_is_paid_for(bench: Bench) -> None:
    fixed, movable = bench.store(OLD, 256, movable=False), bench.store(OLD, 256)
    assert movable.nbytes * 2 == fixed.nbytes * 3
    for store in (fixed, movable):
        parts = vars(store._arenas).values()
        arenas = [part for part in parts if isinstance(part, torch.Tensor) and part.dim() == 4]
        assert sum(part.nbytes for part in arenas) == store.nbytes


TEXT = tuple(range(100, 130))
HOME = Parts(prefix=TEXT, suffix=(7, 8), tail=(1,)).prompt
EDITED = Parts(prefix=(5, 6, *TEXT[:4], *TEXT[9:]), suffix=(7, 8), tail=(1,)).prompt
TYPED = Parts(prefix=TEXT, suffix=(7, 8), tail=(1, 2, 3)).prompt


def append(bench: Bench, store: KVStore) -> None:
    with store.appending((4, 5)) as rows:
        bench.write(store, rows)


def guess(bench: Bench, store: KVStore) -> None:
    with store.branching((4, 5, 6, 7), (ROOT, ROOT, 1, 0)) as rows:
        bench.write(store, rows)
    store.keep((1, 2))


def guess_a_chain(bench: Bench, store: KVStore) -> None:
    with store.branching((4, 5, 6), (ROOT, 0, 1)) as rows:
        bench.write(store, rows)
    store.keep((0,))


def forget_half(_: Bench, store: KVStore) -> None:
    store.apply(plan_reuse(store.tokens, EDITED))
    store.whole()


CHANGES: dict[str, Callable[[Bench, KVStore], object]] = {
    "edit": lambda bench, store: bench.follow(store, plan_reuse(store.tokens, EDITED)),
    "type": lambda bench, store: bench.follow(store, plan_reuse(store.tokens, TYPED)),
    "append": append,
    "guess": guess,
    "guess a chain": guess_a_chain,
    "forget": forget_half,
    "truncate": lambda _, store: store.truncate(9),
    "grow": lambda _, store: store.grow(128),
    "compact": lambda _, store: store.compact(),
    "copy": lambda _, store: store.copy(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_store_is_whole_wherever_memory_runs_out(bench: Bench, change: str) -> None:
    """Whichever allocation fails: what the store says it holds it holds, and it can go on."""
    for number in itertools.count():
        store = bench.store(EDITED, 64)
        bench.follow(store, plan_reuse(store.tokens, HOME))
        short = ShortOfMemory(lambda at, _, number=number: at == number)
        with short as memory, contextlib.suppress(torch.OutOfMemoryError):
            CHANGES[change](bench, store)
        if not memory.failed:
            break
        store.whole()
        bench.check(store)
        bench.follow(store, plan_reuse(store.tokens, TYPED))
        bench.check(store)
    assert number > 0
