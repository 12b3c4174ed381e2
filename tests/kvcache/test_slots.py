"""Bookkeeping of slots: what a table promises, on random histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.errors import AuditError, CacheFull
from kvcache.slots import SlotTable

operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 12)),
        st.tuples(st.just("truncate"), st.integers(0, 40)),
        st.tuples(st.just("grow"), st.integers(1, 40)),
    ),
    max_size=40,
)


@given(capacity=st.integers(1, 24), history=operations)
def test_a_token_keeps_its_slot_for_life(capacity: int, history: list[tuple[str, int]]) -> None:
    table = SlotTable(capacity)
    for operation, number in history:
        before = table.order
        if operation == "append" and number <= table.free:
            assert tuple(table.append(number)) == table.order[len(before) :]
            assert table.order[: len(before)] == before
        elif operation == "truncate" and number <= len(table):
            table.truncate(number)
            assert table.order == before[:number]
        elif operation == "grow":
            table.grow(number)
            assert table.order == before
        table.audit()
        assert len(set(table.order)) == len(table)
        assert table.free + len(table) == table.capacity
        assert table.extent == max(table.order, default=-1) + 1


@given(st.integers(1, 20), st.integers(0, 20))
def test_no_room_changes_nothing(capacity: int, held: int) -> None:
    table = SlotTable(capacity)
    table.append(min(held, capacity))
    before = table.order
    with pytest.raises(CacheFull, match="do not fit"):
        table.append(capacity - len(before) + 1)
    assert table.order == before
    table.audit()


def test_freed_slots_are_used_lowest_first() -> None:
    table = SlotTable(8)
    table.append(6)
    table.truncate(2)
    assert table.append(3) == [2, 3, 4]


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SlotTable(0)
    table = SlotTable(4)
    with pytest.raises(ValueError, match="Cannot truncate"):
        table.truncate(1)


def test_the_audit_sees_a_lost_slot() -> None:
    table = SlotTable(4)
    table.append(2)
    table._order.pop()  # breaking it is the point
    with pytest.raises(AuditError):
        table.audit()
