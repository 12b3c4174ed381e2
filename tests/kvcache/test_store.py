"""A store holds what was written, whatever happens to its sequence; moves are in test_store_moves."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache.config import CacheShape
from kvcache.errors import AuditError, CacheFull
from kvcache.store import KVStore, rounded_capacity

SHAPE = CacheShape(layers=2, kv_heads=2, head_dim=3, element_bytes=4)


def make_store(capacity: int = 16) -> KVStore:
    return KVStore(SHAPE, capacity, dtype=torch.float32, device=torch.device("cpu"))


def values_of(tokens: list[int], position: int, *, layer: int) -> torch.Tensor:
    """Numbers that tell token, position and layer: ``[1, kv_heads, rows, head_dim]``."""
    rows = torch.tensor([1000.0 * layer + 100.0 * token + position + i for i, token in enumerate(tokens)])
    return rows[None, None, :, None].expand(1, SHAPE.kv_heads, len(tokens), SHAPE.head_dim)


def append(store: KVStore, tokens: list[int]) -> None:
    start = len(store)
    with store.appending(tokens) as new:
        for layer in range(SHAPE.layers):
            rows = values_of(tokens, start, layer=layer)
            store.write(layer, rows, values=-rows, rows=new)


def check(store: KVStore) -> None:
    store.audit()
    keys, values = store.read()
    for layer in range(SHAPE.layers):
        expected = values_of(list(store.ids), 0, layer=layer)[0]
        assert torch.equal(keys[layer], expected)
        assert torch.equal(values[layer], -expected)


histories = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(0, 9), min_size=1, max_size=6)),
        st.tuples(st.just("truncate"), st.integers(0, 20)),
        st.tuples(st.just("grow"), st.integers(1, 40)),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(histories)
def test_keys_and_values_stay_with_their_tokens(history: list[tuple[str, list[int] | int]]) -> None:
    store = make_store()
    truth: list[int] = []
    for operation, argument in history:
        if isinstance(argument, list):
            if len(truth) + len(argument) > store.capacity:
                continue
            append(store, argument)
            truth += argument
        elif operation == "truncate" and argument <= len(truth):
            store.truncate(argument)
            del truth[argument:]
        elif operation == "grow":
            store.grow(argument)
        assert list(store.ids) == truth
        check(store)


@given(st.integers(0, 6), st.integers(1, 6))
def test_a_row_sees_itself_and_what_is_before_it(held: int, fresh: int) -> None:
    store = make_store()
    append(store, [1] * (held + 4))
    store.truncate(held)
    with store.appending([2] * fresh) as new:
        seen = new.mask.sum(dim=1).tolist()
        for layer in range(SHAPE.layers):
            rows = values_of([2] * fresh, held, layer=layer)
            store.write(layer, rows, values=-rows, rows=new)
    assert seen == [held + row + 1 for row in range(fresh)]
    assert new.positions.tolist() == list(range(held, held + fresh))


def test_a_failed_pass_leaves_the_store_as_it_was() -> None:
    store = make_store()
    append(store, [1, 2, 3])
    with pytest.raises(RuntimeError, match="crash"), store.appending([4, 5]):
        raise RuntimeError("crash")
    assert store.ids == (1, 2, 3)
    check(store)


def test_without_room_nothing_changes() -> None:
    store = make_store(capacity=4)
    append(store, [1, 2, 3])
    with pytest.raises(CacheFull), store.appending([4, 5]):
        pass
    assert store.ids == (1, 2, 3)
    check(store)


def test_scattered_slots_are_written_right() -> None:
    store = make_store(capacity=4)
    append(store, [1, 2, 3, 4])
    store.truncate(1)
    store.grow(6)
    store._sequence._table._free.remove(2)  # a hole in the middle, as later edits make them
    with store.appending([5, 6]) as new:
        assert isinstance(new.slots, torch.Tensor)
        for layer in range(SHAPE.layers):
            rows = values_of([5, 6], 1, layer=layer)
            store.write(layer, rows, values=-rows, rows=new)
    store._sequence._table._free.append(2)
    check(store)


def test_the_audit_sees_a_wrong_position() -> None:
    store = make_store()
    append(store, [1, 2])
    store._arenas.position_of[0] = 7  # breaking it is the point
    with pytest.raises(AuditError):
        store.audit()


def test_size_is_that_of_both_arenas() -> None:
    assert make_store(10).nbytes == 10 * 2 * 2 * 2 * 3 * 4
    assert rounded_capacity(0) == rounded_capacity(256) == 256
    assert rounded_capacity(257) == 512
