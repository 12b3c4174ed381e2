"""Trees of guesses behind a sequence: positions, paths, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.branch import ROOT, Branch, paths_of
from kvcache.spans import Role
from tests.branches import parents


def branch_of(behind: tuple[int, ...], start: int = 5) -> Branch:
    count = len(behind)
    return Branch(tuple(range(count)), behind, start, tuple(range(20, 20 + count)), Role.TAIL)


@given(parents())
def test_a_path_leads_from_the_sequence_to_its_node(behind: tuple[int, ...]) -> None:
    branch = branch_of(behind)
    for node, path in enumerate(branch.paths):
        assert path[-1] == node
        assert [behind[each] for each in path] == [ROOT, *path[:-1]]
        assert branch.positions[node] == 5 + len(path) - 1
        branch.check(path)
    branch.check(())
    assert branch.is_chain == (branch.positions == tuple(range(5, 5 + len(behind))) and is_line(branch))


def is_line(branch: Branch) -> bool:
    return not branch.paths or branch.paths[-1] == tuple(range(len(branch.ids)))


@given(parents(), st.lists(st.integers(-2, 12), max_size=5))
def test_what_is_no_path_is_refused(behind: tuple[int, ...], nodes: list[int]) -> None:
    branch = branch_of(behind)
    if tuple(nodes) in {(), *branch.paths}:
        branch.check(nodes)
    else:
        with pytest.raises(ValueError, match="no path"):
            branch.check(nodes)


@pytest.mark.parametrize("behind", [(0,), (ROOT, 1), (ROOT, -2), (ROOT, 0, 5)])
def test_a_parent_stands_in_front(behind: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot stand behind"):
        paths_of(behind)


def test_every_token_has_a_parent_and_a_slot() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Branch((1, 2), (ROOT,), 0, (0, 1), Role.TAIL)
    with pytest.raises(ValueError, match="do not fit"):
        Branch((1, 2), (ROOT, 0), 0, (0,), Role.TAIL)
