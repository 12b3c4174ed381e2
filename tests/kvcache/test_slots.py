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
        st.tuples(st.just("compact"), st.just(0)),
        st.tuples(st.just("copy"), st.just(0)),
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
        elif operation == "compact":
            table.compact()
            assert table.order == tuple(range(len(before)))
        elif operation == "copy":
            twin = table.copy()
            table.truncate(0)
            assert (twin.order, twin.capacity) == (before, table.capacity)
            table = twin
        elif operation == "append":
            with pytest.raises(CacheFull):
                table.next_free(number)
        if table.free:
            coming = table.next_free(table.free)
            assert coming == sorted(set(range(table.capacity)) - set(table.order))
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


@st.composite
def rearrangements(draw: st.DrawFn) -> tuple[SlotTable, list[int | None]]:
    """A table with holes and a new sequence for it: some of the old tokens in any order, new ones between."""
    table = SlotTable(draw(st.integers(1, 24)))
    table.append(draw(st.integers(0, table.capacity)))
    old: list[int | None] = list(draw(st.permutations(range(len(table)))))
    table.rearrange(old[: draw(st.integers(0, len(old)))])
    kept = draw(st.permutations(range(len(table))))[: draw(st.integers(0, len(table)))]
    fresh = draw(st.integers(0, table.capacity - len(kept)))
    return table, draw(st.permutations([*kept, *[None] * fresh]))


@given(rearrangements())
def test_a_token_that_stays_keeps_its_slot_and_new_ones_get_the_lowest(
    made: tuple[SlotTable, list[int | None]],
) -> None:
    table, places = made
    before = table.order
    table.rearrange(places)
    table.audit()
    kept = {at: before[place] for at, place in enumerate(places) if place is not None}
    assert {at: table.order[at] for at in kept} == kept
    fresh = [table.order[at] for at, place in enumerate(places) if place is None]
    free = sorted(set(range(table.capacity)) - set(kept.values()))
    assert fresh == free[: len(fresh)]


@given(rearrangements())
def test_a_rearrangement_that_cannot_be_changes_nothing(made: tuple[SlotTable, list[int | None]]) -> None:
    table, places = made
    before = table.order
    with pytest.raises(CacheFull, match="do not fit"):
        table.rearrange([None] * (table.capacity + 1))
    with pytest.raises(CacheFull, match="do not fit"):
        table.check_room(table.capacity + 1)
    table.check_room(table.capacity)
    kept = [place for place in places if place is not None]
    if kept:
        with pytest.raises(ValueError, match="two positions"):
            table.rearrange([*kept, kept[0]])
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
