"""Grouped-query attention over slots, a block of slots at a time, for a thread's share of the queries.

Nothing is kept for more than a block of slots: when a greater score turns up, the sums so far are
rescaled (Dao et al. 2022, FlashAttention, algorithm 1). Which slots a row may see, positions say.
The queries of a group share their keys and values without these being repeated (Ainslie et al.
2023, section 2).
"""

# pyright: basic

from typing import Any

import numpy as np

from completion.cpu.compiler import kernel
from completion.cpu.floats import float_dot
from completion.cpu.product import ROWS, at_once, exp, fill
from completion.cpu.target import host

BLOCK = 64
"""Slots looked at together."""

NARROW, WIDE = 16, 64
"""Columns of the values multiplied at once; a head's dimension is padded to a multiple of the first."""

_NEVER, _SOME = np.float32(-1e30), np.float32(1e-30)


def _by_count(columns: int, *, add: bool) -> Any:
    """The product of a tile of 1, 2, 3 or ROWS queries, as :func:`completion.cpu.floats.float_dot` says."""
    one, two, three, six = (float_dot(host(), rows, columns, add=add) for rows in (1, 2, 3, ROWS))

    @kernel
    def dot(count, panel, gap, rows, stride, steps, out, out_stride):
        if count == 1:
            return one(panel, gap, rows, stride, steps, out, out_stride)
        if count == 2:
            return two(panel, gap, rows, stride, steps, out, out_stride)
        if count == 3:
            return three(panel, gap, rows, stride, steps, out, out_stride)
        return six(panel, gap, rows, stride, steps, out, out_stride)

    return dot


_score = _by_count(BLOCK, add=False)
_wide, _narrow = _by_count(WIDE, add=True), _by_count(NARROW, add=True)


@kernel
def copy(source, onto):
    """Copy a vector; an assignment would bring the code of its error messages along."""
    for at in range(onto.shape[0]):
        onto[at] = source[at]


@kernel
def _transposed(keys, panel):
    """``keys[up to BLOCK, dim]`` into ``panel[dim, BLOCK]``, zeros behind."""
    count = keys.shape[0]
    for d in range(keys.shape[1]):
        row = panel[d]
        for slot in range(count):
            row[slot] = keys[slot, d]
        fill(row[count:], np.float32(0.0))


@kernel
def _padded(values, onto):
    """``values[up to BLOCK, dim]`` into rows that are as wide as the columns multiplied at once."""
    for slot in range(values.shape[0]):
        copy(values[slot], onto[slot, : values.shape[1]])


@kernel
def _weigh(scores, mask, greatest, total, sums):
    """Turn a query's scores into weights, rescaling what it has summed; its new greatest and total."""
    best = greatest
    for slot in range(BLOCK):
        scores[slot] = scores[slot] if mask[slot] else _NEVER
        best = max(best, scores[slot])
    faded = exp(greatest - best)
    if faded != np.float32(1.0):
        for d in range(sums.shape[0]):
            sums[d] *= faded
    added = np.float32(0.0)
    for slot in range(BLOCK):
        weight = exp(scores[slot] - best) if mask[slot] else np.float32(0.0)
        scores[slot] = weight
        added += weight
    return best, total * faded + added


@kernel
def _add_values(count, values, gap, scores, slots, sums):
    """``sums[query] += scores[query] · values`` for the queries of a tile."""
    width, column = sums.shape[1], 0
    rows, stride, out, out_stride = scores.ctypes.data, scores.strides[0], sums.ctypes.data, sums.strides[0]
    while column + WIDE <= width:
        _wide(count, values + 4 * column, gap, rows, stride, slots, out + 4 * column, out_stride)
        column += WIDE
    while column < width:
        _narrow(count, values + 4 * column, gap, rows, stride, slots, out + 4 * column, out_stride)
        column += NARROW


@kernel
def _put_path(row, keys, values, block, slots, room, places, paths):
    """Put a row's path into the block at hand, to the places that it would have were it the only one."""
    for depth in range(paths.shape[1]):
        at, slot = places[depth] - block, paths[row, depth]
        if slot >= 0 and at >= 0 and at < slots:
            for d in range(keys.shape[1]):
                room.panel[d, at] = keys[slot, d]
            copy(values[slot], room.padded[at, : values.shape[1]])


@kernel
def attend(queries, first, stop, rows, keys, values, extent, mask, room, places, paths):
    """Attention of ``queries[first:stop]``, which are of one key/value head.

    ``queries`` is float32 ``[heads · rows, dim]``, scaled, a head's rows next to each other;
    ``keys`` and ``values`` are ``[capacity, dim]``; ``mask`` is ``[rows, extent padded to BLOCK]``, true
    where a row may look. Of a tree ``paths`` is int64 ``[rows, depths]``: the slots of the row's path,
    then -1; they are looked at as if they were ``places``, int64 ``[depths]``, ascending, so that the row
    has the bits it would have behind its path alone. Else both are empty. The result is in
    ``room.sums[: stop - first]``, padded to a multiple of NARROW.
    """
    dim = queries.shape[1]
    sums, greatest, total = room.sums, room.greatest, room.total
    for place in range(stop - first):
        fill(sums[place], np.float32(0.0))
        greatest[place], total[place] = _NEVER, np.float32(0.0)
    for block in range(0, extent, BLOCK):
        slots = min(BLOCK, extent - block)
        _transposed(keys[block : block + slots], room.panel)
        apart = paths.shape[1] > 0 and block + slots > places[0]
        if dim == sums.shape[1] and not apart:
            address, gap = values.ctypes.data + block * values.strides[0], values.strides[0]
        else:
            _padded(values[block : block + slots], room.padded)
            address, gap = room.padded.ctypes.data, room.padded.strides[0]
        start, lead = first, 0
        if apart:
            _put_path(start % rows, keys, values, block, slots, room, places, paths)
        while start < stop:
            count = 1 if apart else at_once(stop - start)
            _score(
                count, room.panel.ctypes.data, 4 * BLOCK, queries.ctypes.data + start * queries.strides[0],
                queries.strides[0], dim, room.scores.ctypes.data, 4 * BLOCK,
            )  # fmt: skip
            for at in range(count):
                query = start + at
                seen = mask[query % rows, block : block + BLOCK]
                place = query - first
                greatest[place], total[place] = _weigh(
                    room.scores[at], seen, greatest[place], total[place], sums[place]
                )
            _add_values(count, address, gap, room.scores, slots, sums[start - first : start - first + count])
            start += rows if apart else count
            if apart and start >= stop and lead + 1 < min(rows, stop - first):
                lead += 1
                start = first + lead
                _put_path(start % rows, keys, values, block, slots, room, places, paths)
    for place in range(stop - first):
        share = np.float32(1.0) / max(total[place], _SOME)
        for d in range(dim):
            sums[place, d] *= share
