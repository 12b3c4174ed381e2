"""Guesses behind a store: what is kept of them is as if it had been appended, the rest as if it never was."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from completion.loading import LoadedModel
from kvcache.branch import ROOT
from kvcache.errors import CacheFull
from kvcache.plan import plan_reuse
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.branches import parents, path_to, paths
from tests.kvcache.test_store_moves import Bench, relaxed
from tests.prompts import Parts, histories

PROMPT = Parts(prefix=tuple(range(100, 115)), suffix=(7, 8), tail=(1,))


@pytest.fixture(scope="module")
def bench(tiny: LoadedModel) -> Bench:
    return Bench(tiny.shape, tiny.rotary, tiny.model.model.rotary_emb)


def all_of(store: KVStore) -> tuple[Any, ...]:
    """All that can be seen of a store, slots and holes among it."""
    content = [part.tolist() for part in store.read()]
    known = store.tokens, store.exact, store.missing, store.capacity, store.holes
    return *known, store._sequence.table.order, store._arenas.position_of.tolist(), content


def guess(bench: Bench, store: KVStore, behind: tuple[int, ...]) -> tuple[int, ...]:
    """Encode guesses, as a pass does; their tokens."""
    tokens = tuple(range(200, 200 + len(behind)))
    with store.branching(tokens, behind) as rows:
        assert rows.mask.sum(1).tolist() == [position + 1 for position in rows.at]
        bench.write(store, rows)
    return tokens


def append(bench: Bench, store: KVStore, tokens: tuple[int, ...]) -> None:
    with store.appending(tokens) as rows:
        bench.write(store, rows)


@relaxed
@given(histories(length=3), st.lists(parents(8), min_size=1, max_size=4), st.data())
def test_what_is_kept_is_as_if_it_had_been_appended(
    bench: Bench, story: list[Parts], trees: list[tuple[int, ...]], data: st.DataObject
) -> None:
    """Slot for slot, whatever holes there are, one tree after the other: so no hole is left either."""
    store = bench.store(story[0].prompt, 256)
    for parts in story[1:]:
        bench.follow(store, plan_reuse(store.tokens, parts.prompt))
    plain = store.copy()
    for behind in trees:
        before = all_of(store)
        tokens = guess(bench, store, behind)
        assert all_of(store) == before
        bench.check(store)
        path = path_to(behind, data.draw(paths(len(behind))))
        store.keep(path)
        append(bench, plain, tuple(tokens[node] for node in path))
        assert all_of(store) == all_of(plain)
        bench.check(store)
    assert torch.equal(*(each._arenas.born[:, :, each._sequence.table.order] for each in (store, plain)))


@relaxed
@given(st.integers(0, 8), st.integers(0, 8))
def test_a_chain_is_kept_as_by_appending_and_truncating(bench: Bench, drafted: int, accepted: int) -> None:
    store = bench.store(PROMPT.prompt, 64)
    plain = store.copy()
    accepted = min(accepted, drafted)
    tokens = guess(bench, store, tuple(range(ROOT, drafted - 1)))
    store.keep(range(accepted))
    append(bench, plain, tokens)
    plain.truncate(len(PROMPT.prompt) + accepted)
    assert all_of(store) == all_of(plain)


def test_the_rows_of_a_chain_are_those_of_appending(bench: Bench) -> None:
    """The same operations, so it costs the same and is recorded alike."""
    store = bench.store(PROMPT.prompt, 64)
    with store.branching((4, 5, 6), (ROOT, 0, 1)) as ours:
        bench.write(store, ours)
    with store.appending((4, 5, 6)) as theirs:
        bench.write(store, theirs)
    assert type(ours) is type(theirs)
    assert (ours.ids, ours.at, ours.slot_numbers) == (theirs.ids, theirs.at, theirs.slot_numbers)
    assert ours.extent == theirs.extent


EDITED = Parts(prefix=(5, *PROMPT.prefix), suffix=(7, 8), tail=(1,)).prompt
TYPED = Parts(prefix=PROMPT.prefix, suffix=(7, 8), tail=(1, 2)).prompt


def repair(bench: Bench, store: KVStore) -> None:
    with store.encoding((2, 3)) as rows:
        bench.write(store, rows)


def crash(bench: Bench, store: KVStore) -> None:
    with pytest.raises(RuntimeError, match="crash"), store.branching((1, 2), (ROOT, ROOT)):
        raise RuntimeError("crash")


CHANGES: dict[str, Callable[[Bench, KVStore], object]] = {
    "append": lambda bench, store: append(bench, store, (1,)),
    "append nothing": lambda bench, store: append(bench, store, ()),
    "edit": lambda bench, store: bench.follow(store, plan_reuse(store.tokens, EDITED)),
    "type": lambda bench, store: bench.follow(store, plan_reuse(store.tokens, TYPED)),
    "truncate": lambda _, store: store.truncate(9),
    "keep": lambda _, store: store.keep((0,)),
    "keep nothing": lambda _, store: store.keep(()),
    "repair": repair,
    "grow": lambda _, store: store.grow(128),
    "compact": lambda _, store: store.compact(),
    "crash": crash,
}


@pytest.mark.parametrize("behind", [(ROOT, 0, 1), (ROOT, ROOT, 1)], ids=["chain", "tree"])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_else_happens_forgets_the_guesses(
    bench: Bench, change: str, behind: tuple[int, ...]
) -> None:
    store = bench.store(PROMPT.prompt, 64)
    plain = store.copy()
    guess(bench, store, behind)
    CHANGES[change](bench, store)
    if change == "keep":
        append(bench, plain, (200,))
    elif change != "keep nothing":
        CHANGES[change](bench, plain)
    assert all_of(store) == all_of(plain)
    bench.check(store)
    with pytest.raises(ValueError, match="Nothing was guessed"):
        store.keep((0,))
    assert all_of(store) == all_of(plain)


def test_a_twin_knows_nothing_of_the_guesses(bench: Bench) -> None:
    store = bench.store(PROMPT.prompt, 64)
    guess(bench, store, (ROOT, ROOT))
    twin = store.copy()
    with pytest.raises(ValueError, match="Nothing was guessed"):
        twin.keep((0,))
    bench.check(twin)
    store.keep((1,))
    assert store.ids[-1] == 201
    bench.check(store)


def test_guesses_grow_what_is_exact_only_behind_what_is(bench: Bench) -> None:
    store = bench.store(PROMPT.prompt, 64)
    bench.follow(store, plan_reuse(store.tokens, EDITED))
    exact = store.exact
    assert exact < len(store)
    guess(bench, store, (ROOT, ROOT, 1))
    store.keep((1, 2))
    assert store.exact == exact


@pytest.mark.parametrize("path", [(1,), (0, 3), (2,), (0, 2, 3), (-1,), (4,), (2, 0)])
def test_what_is_no_path_is_refused_and_changes_nothing(bench: Bench, path: tuple[int, ...]) -> None:
    store = bench.store(PROMPT.prompt, 64)
    guess(bench, store, (ROOT, 0, 0, 1))
    before = all_of(store)
    with pytest.raises(ValueError, match="no path"):
        store.keep(path)
    assert all_of(store) == before
    store.keep((0, 2))
    assert store.ids[-2:] == (200, 202)


def test_without_room_for_all_nothing_changes(bench: Bench) -> None:
    store = bench.store(PROMPT.prompt, len(PROMPT.prompt) + 2)
    before = all_of(store)
    with pytest.raises(CacheFull):
        guess(bench, store, (ROOT, ROOT, ROOT))
    assert all_of(store) == before
    guess(bench, store, (ROOT, ROOT))
    store.keep((1,))
    bench.check(store)


def test_nobody_guesses_behind_what_is_not_encoded(bench: Bench) -> None:
    store = bench.store(PROMPT.prompt, 64)
    store.apply(plan_reuse(store.tokens, EDITED))
    with pytest.raises(ValueError, match="not encoded"):
        guess(bench, store, (ROOT,))


def test_nothing_is_kept_before_the_pass_has_ended(bench: Bench) -> None:
    store = bench.store(PROMPT.prompt, 64)
    before = all_of(store)

    def keep_at_once() -> None:
        with store.branching((1, 2), (ROOT, 0)) as rows:
            bench.write(store, rows)
            store.keep((0,))

    with pytest.raises(ValueError, match="Nothing was guessed"):
        keep_at_once()
    assert all_of(store) == before


@pytest.mark.parametrize("behind", [(ROOT, 0), (ROOT, ROOT)], ids=["chain", "tree"])
def test_a_pass_during_which_the_store_changes_is_refused(bench: Bench, behind: tuple[int, ...]) -> None:
    store = bench.store(PROMPT.prompt, 64)

    def append_meanwhile() -> None:
        with store.branching((1, 2), behind) as rows:
            bench.write(store, rows)
            append(bench, store, (3, 4))

    with pytest.raises(ValueError, match="has changed"):
        append_meanwhile()
    bench.check(store)
    assert store.ids[-2:] == (3, 4)


def test_a_store_that_cannot_turn_keys_keeps_guesses_too(bench: Bench) -> None:
    store = bench.store(tagged([(Role.PREFIX, (1, 2))]), 16, movable=False)
    guess(bench, store, (ROOT, ROOT, 1))
    store.keep((1, 2))
    assert store.ids == (1, 2, 201, 202)
    bench.check(store)
