"""Rows say what they are on the device with one copy, and place themselves once."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kvcache.branch import Branch
from kvcache.rows import FREE, BranchRows, Rows, StaticRows, branch_rows
from kvcache.spans import Role
from tests.branches import parents, path_to


def make_rows(slots: tuple[int, ...], *, unplaced: bool = True, capacity: int = 12) -> Rows:
    """Rows behind two tokens that sit in the last two slots."""
    position_of = torch.full((capacity,), FREE)
    position_of[-2], position_of[-1] = 0, 1
    return Rows(
        ids=tuple(range(50, 50 + len(slots))),
        at=tuple(range(2, 2 + len(slots))),
        slot_numbers=slots,
        extent=capacity,
        position_of=position_of,
        unplaced=unplaced,
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True))
def test_a_row_sees_what_stands_at_or_in_front_of_it(slots: list[int]) -> None:
    rows = make_rows(tuple(slots))
    seen = [{slot for slot, sees in enumerate(row) if sees} for row in rows.mask.tolist()]
    assert seen == [{10, 11, *slots[: number + 1]} for number in range(len(slots))]
    assert rows.tokens.tolist() == list(rows.ids)
    assert rows.positions.tolist() == list(rows.at)
    assert rows.first() == 2


def test_neighbours_are_a_slice() -> None:
    assert make_rows((3, 4, 5)).slots == slice(3, 6)
    assert make_rows(()).slots == slice(0, 0)
    scattered = make_rows((3, 5)).slots
    assert isinstance(scattered, torch.Tensor)
    assert scattered.tolist() == [3, 5]


def test_rows_are_placed_once() -> None:
    rows = make_rows((3, 5))
    rows.place()
    assert rows.position_of[[3, 5]].tolist() == [2, 3]
    rows.position_of.fill_(FREE)
    rows.place()
    assert (rows.position_of == FREE).all()


def test_rows_that_a_pass_has_placed_are_left_alone() -> None:
    rows = make_rows((3, 5))
    rows.placed()
    rows.place()
    assert rows.position_of[[3, 5]].tolist() == [FREE, FREE]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True), st.integers(0, 3))
def test_static_rows_see_the_same(slots: list[int], padding: int) -> None:
    rows = make_rows(tuple(slots))
    packed = torch.cat([rows.packed, rows.packed[:, -1:].repeat(1, padding)], dim=1)
    static = StaticRows(packed, rows.extent, rows.position_of.clone(), torch.bfloat16)
    static.place()
    bias = static.mask
    assert bias.dtype == torch.bfloat16
    assert torch.equal(bias[: len(slots)] == 0, rows.mask)
    assert torch.equal(bias == 0, bias != -torch.inf)
    assert torch.equal(static.position_of, rows.position_of)


def test_static_rows_follow_their_buffer() -> None:
    packed = torch.zeros(3, 1, dtype=torch.int64)
    position_of = torch.full((4,), FREE)
    for slot, position in ((2, 0), (0, 1)):
        packed.copy_(torch.tensor([[9], [position], [slot]]))
        StaticRows(packed, 4, position_of, torch.float32).place()
    assert position_of.tolist() == [1, FREE, 0, FREE]


def test_static_rows_tell_the_host_nothing() -> None:
    static = StaticRows(torch.zeros(3, 1, dtype=torch.int64), 4, torch.zeros(4), torch.float32)
    with pytest.raises(RuntimeError, match="cannot be recorded"):
        static.first()


def rows_of_a_tree(behind: tuple[int, ...], slots: list[int]) -> Rows:
    """Behind two tokens, as :func:`make_rows`."""
    position_of = make_rows(()).position_of
    branch = Branch(tuple(range(len(behind))), behind, 2, tuple(sorted(slots[: len(behind)])), Role.TAIL)
    return branch_rows(branch, 12, position_of)


@given(parents(10), st.permutations(range(10)))
def test_a_row_of_a_tree_sees_what_leads_to_it(behind: tuple[int, ...], slots: list[int]) -> None:
    rows = rows_of_a_tree(behind, slots)
    seen = [{slot for slot, sees in enumerate(row) if sees} for row in rows.mask.tolist()]
    lines = [path_to(behind, node) for node in range(len(behind))]
    assert seen == [{10, 11, *(rows.slot_numbers[node] for node in line)} for line in lines]
    assert rows.positions.tolist() == [1 + len(line) for line in lines]
    assert rows.tokens.tolist() == list(rows.ids)
    assert rows.packed.tolist() == [list(rows.ids), list(rows.at), list(rows.slot_numbers)]
    rows.withdraw()
    assert (rows.position_of[:10] == FREE).all()


def test_rows_of_a_tree_are_never_placed() -> None:
    rows = rows_of_a_tree((-1, -1), [3, 4])
    assert isinstance(rows, BranchRows)
    rows.place()
    assert (rows.position_of[:10] == FREE).all()
    with pytest.raises(RuntimeError, match="must not be written down"):
        rows.placed()


def test_rows_that_were_placed_are_withdrawn() -> None:
    rows = make_rows((3, 5))
    rows.withdraw()
    rows.place()
    rows.withdraw()
    assert rows.position_of[[3, 5]].tolist() == [FREE, FREE]
    assert rows.position_of[[10, 11]].tolist() == [0, 1]
