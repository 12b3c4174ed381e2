"""Attention over slots equals torch's, wherever the slots are and whatever a row may see."""

from typing import Any

import numpy as np
import pytest
import torch

from completion.cpu.attention import BLOCK, attend
from completion.cpu.weights import padded_to
from tests.branches import path_to
from tests.completion.cpu.calling import from_python
from tests.completion.cpu.rooms import room_of_a_thread

_attend = from_python(attend)


def attention(
    queries: Any,
    keys: Any,
    values: Any,
    mask: Any,
    *,
    first: int,
    stop: int,
    places: Any = (),
    paths: Any = (),
) -> Any:
    """The kernel's answer for some queries ``[groups · rows, dim]`` of one key/value head."""
    extent, dim = mask.shape[1], queries.shape[1]
    seen = np.zeros((len(mask), padded_to(extent, BLOCK)), np.bool_)
    seen[:, :extent] = mask
    room = room_of_a_thread(dim)
    tree = np.array(places, np.int64), np.array(paths, np.int64).reshape(len(paths), len(places))
    _attend(queries, first, stop, len(mask), keys, values, extent, seen, room, *tree)
    return room.sums[: stop - first, :dim].copy()


@pytest.mark.parametrize("dim", [12, 16, 64, 80, 128])
@pytest.mark.parametrize(
    ("rows", "groups", "extent"), [(1, 7, 1), (1, 2, 64), (3, 2, 65), (9, 1, 200), (5, 3, 130)]
)
def test_it_is_torchs(dim: int, rows: int, groups: int, extent: int) -> None:
    random = np.random.default_rng(extent)
    queries = random.standard_normal((groups * rows, dim)).astype(np.float32) * 0.3
    keys, values = random.standard_normal((2, extent + 3, dim)).astype(np.float32)
    mask = random.random((rows, extent)) < 0.6
    mask[:, random.integers(extent)] = True
    if extent > BLOCK:
        mask[0, :BLOCK] = False  # a whole block that the first row does not see
        mask[0, BLOCK] = True
    ours = attention(queries, keys, values, mask, first=0, stop=len(queries))
    q, k, v = (torch.from_numpy(part)[None] for part in (queries, keys[:extent], values[:extent]))
    seen = torch.from_numpy(np.tile(mask, (groups, 1)))[None]
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=1.0)[0].numpy()
    assert np.allclose(ours, wanted, atol=2e-5)


def test_a_part_of_the_queries_has_the_same_bits() -> None:
    random = np.random.default_rng(1)
    queries, keys, values = random.standard_normal((3, 20, 16)).astype(np.float32)
    mask = np.tri(10, 20, 10, dtype=np.bool_)
    whole = attention(queries, keys, values, mask, first=0, stop=20)
    for first, stop in ((0, 1), (3, 9), (19, 20)):
        part = attention(queries, keys, values, mask, first=first, stop=stop)
        assert np.array_equal(part, whole[first:stop])


def test_great_scores_do_not_overflow() -> None:
    queries, keys = np.full((1, 16), 60, np.float32), np.full((70, 16), 60, np.float32)
    keys[69] = -60
    values = np.tile(np.arange(70, dtype=np.float32)[:, None], (1, 16))
    ours = attention(queries, keys, values, np.ones((1, 70), np.bool_), first=0, stop=1)
    assert np.allclose(ours, np.arange(69).mean(), rtol=1e-5)


@pytest.mark.parametrize("dim", [16, 24])
@pytest.mark.parametrize("held", [0, 3, 57, 62, 64, 100])
def test_a_row_of_a_tree_has_the_bits_of_its_path_alone(dim: int, held: int) -> None:
    """Wherever its slots lie, also across the end of a block."""
    random = np.random.default_rng(held)
    behind = (-1, 0, 0, 1, 2, 2, 5, 5, 7)
    lines = [path_to(behind, node) for node in range(len(behind))]
    keys, values = random.standard_normal((2, held + len(behind), dim)).astype(np.float32)
    queries = random.standard_normal((2 * len(behind), dim)).astype(np.float32)
    depths = max(map(len, lines))
    mask = np.zeros((len(behind), held + len(behind)), np.bool_)
    paths = np.full((len(behind), depths), -1)
    for node, line in enumerate(lines):
        mask[node, : held + len(line)] = True
        paths[node, : len(line)] = [held + each for each in line]
    tree = {"places": np.arange(held, held + depths), "paths": paths}
    whole = attention(queries, keys, values, mask, first=0, stop=len(queries), **tree)
    for first, stop in ((4, 15), (7, 10), (17, 18)):
        part = attention(queries, keys, values, mask, first=first, stop=stop, **tree)
        assert np.array_equal(part, whole[first:stop])
    for query, found in enumerate(whole):
        order = [*range(held), *(held + node for node in lines[query % len(behind)])]
        seen = np.ones((1, len(order)), np.bool_)
        alone = attention(queries[query : query + 1], keys[order], values[order], seen, first=0, stop=1)
        assert np.array_equal(found, alone[0])


def test_who_sees_nothing_gets_nothing() -> None:
    """Not NaN, which would spread; the slots that are hidden hold whatever is there."""
    keys = np.full((70, 16), np.nan, np.float32)
    ours = attention(
        keys[:2], keys, np.ones((70, 16), np.float32), np.zeros((1, 70), np.bool_), first=0, stop=2
    )
    assert not ours.any()
