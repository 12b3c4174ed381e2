"""Matrix products with weights in 8 bits.

Activations are rounded to 8 bits like the weights, with a scale to every 32, so an outlier drowns
its neighbours and nobody else. Sums of a group's integers are exact and groups are added in one order,
so the result of a row does not depend on how many rows are multiplied with it: encoding a prompt
in chunks, in one piece or token by token gives the same numbers.
"""

# pyright: basic

from typing import Any

import numpy as np

from completion.cpu.compiler import entry, kernel
from completion.cpu.integers import BLOCK4_BYTES, GROUP, PANEL, integer_dot
from completion.cpu.sync import meet, take
from completion.cpu.target import host

ROWS = 6
"""Rows multiplied at once: their sums fill the registers."""

SWEEP = 12
"""Rows for which a panel is read at once: their sums stay in the first cache."""

_LEAST = np.float32(1e-30)
_TO_UNIT = np.float32(1 / 127)
_ROUNDER = np.float32(3 << 22)
"""Added to a small float, it leaves the nearest integer in the lowest bits."""
_ROUNDER_BITS = int(_ROUNDER.view(np.int32))
_GRAIN = 8
"""Shares of a product handed to each thread: who is held up takes fewer."""


def _exp_constants() -> tuple[Any, ...]:
    return tuple(np.float32(value) for value in (1 / 6, 1 / 24, 1 / 120, 1 / 720))


_LOG2E, _LN2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
_E3, _E4, _E5, _E6 = _exp_constants()


@kernel
def exp(x):
    """E to the power of ``x``, float32, relative error below 3e-7; vectorises. 0 below -87."""
    x = min(max(x, np.float32(-87.0)), np.float32(88.0))
    whole = np.floor(x * _LOG2E + np.float32(0.5))
    rest = x - whole * _LN2
    series = np.float32(1.0) + rest * (
        np.float32(1.0) + rest * (np.float32(0.5) + rest * (_E3 + rest * (_E4 + rest * (_E5 + rest * _E6))))
    )
    return series * np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)


@kernel
def _round_group(x, count, rounded):
    """Round ``count`` values; returns their step and the sum of what they were rounded to."""
    largest = np.int32(0)
    for k in range(count):  # as integers, whose maximum vectorises: positive floats are in the same order
        largest = max(largest, np.int32(np.float32(x[k]).view(np.int32) & np.int32(0x7FFFFFFF)))
    most = max(np.int32(largest).view(np.float32), _LEAST)
    scale, total = np.float32(127.0) / most, 0
    for k in range(count):
        bits = np.float32(x[k] * scale + _ROUNDER).view(np.int32)
        rounded[k] = np.int8(bits)
        total += bits
    return most * _TO_UNIT, np.int32(total - count * _ROUNDER_BITS)


@kernel
def round_row(x, rounded, steps, less):
    """Round ``x`` (float32) to ``rounded`` (int8, zeros behind), with a step and what 128 adds to the sum
    for each group.
    """
    whole = x.shape[0] // GROUP
    for group in range(whole):
        own = slice(group * GROUP, (group + 1) * GROUP)
        step, total = _round_group(x[own], GROUP, rounded[own])
        steps[group], less[group] = step, np.int32(-128) * total
    if whole < steps.shape[0]:
        rest = slice(whole * GROUP, x.shape[0])
        step, total = _round_group(x[rest], x.shape[0] - whole * GROUP, rounded[rest])
        steps[whole], less[whole] = step, np.int32(-128) * total
        for k in range(x.shape[0], steps.shape[0] * GROUP):
            rounded[k] = np.int8(0)


@kernel
def fill(onto, value):
    """Let every element be ``value``."""
    for at in range(onto.shape[0]):
        onto[at] = value


@kernel
def at_once(left):
    """How many of the rows that are left to multiply next: 6, 3, 2 or 1."""
    return ROWS if left >= ROWS else min(left, ROWS // 2)


def _by_count(bits: int) -> Any:
    """The product of a block with 1, 2, 3 or ROWS rows; see :func:`completion.cpu.integers.integer_dot`."""
    one, two, three, six = (integer_dot(host(), rows, bits) for rows in (1, 2, 3, ROWS))

    @kernel
    def dot(count, block, x, stride, steps, less, groups, out):
        if count == 1:
            return one(block, x, stride, steps, less, groups, out)
        if count == 2:
            return two(block, x, stride, steps, less, groups, out)
        if count == 3:
            return three(block, x, stride, steps, less, groups, out)
        return six(block, x, stride, steps, less, groups, out)

    return dot


_multiply8, _multiply4 = _by_count(8), _by_count(4)


@kernel
def multiply_panel(panel, weight, rows, first, count, out):
    """``count`` rows from ``first`` on, at most SWEEP, times one panel: float32 ``out[count, 64]``."""
    stride, base = rows.rounded.strides[0], rows.rounded.ctypes.data
    steps, less, onto = rows.steps.ctypes.data, rows.less.ctypes.data, out.ctypes.data
    groups = weight.groups
    for row in range(count):
        fill(out[row], np.float32(0.0))
    for group in range(groups):
        block, done = panel + group * weight.block, 0
        while done < count:
            row = first + done
            x, table = base + row * stride + group * GROUP, 4 * (row * groups + group)
            here, some = onto + done * 4 * PANEL, at_once(count - done)
            if weight.block == BLOCK4_BYTES:
                _multiply4(some, block, x, stride, steps + table, less + table, groups, here)
            else:
                _multiply8(some, block, x, stride, steps + table, less + table, groups, here)
            done += some


@kernel
def share_of(panels, threads):
    """How many panels a thread takes at once."""
    return max(1, panels // (threads * _GRAIN))


@kernel
def product(threads, state, counter, weight, layer, rows, start, stop, sums, out, add):
    """Rows ``[start, stop)`` times the weight: float32 into ``out[row - start, columns]``, or added to it.

    Every thread of the team calls it, and takes panels until none is left.
    """
    panels, groups = weight.bias.shape[1] // PANEL, weight.groups
    share = share_of(panels, threads)
    first = take(state, counter) * share
    while first < panels:
        for panel in range(first, min(first + share, panels)):
            columns = slice(panel * PANEL, (panel + 1) * PANEL)
            bias = weight.bias[layer, columns]
            address = weight.panels[layer].ctypes.data + panel * groups * weight.block
            for row in range(start, stop, SWEEP):
                count = min(SWEEP, stop - row)
                multiply_panel(address, weight, rows, row, count, sums)
                for at in range(count):
                    onto, own = out[row + at - start, columns], sums[at]
                    for column in range(PANEL):
                        value = own[column] + bias[column]
                        onto[column] = onto[column] + value if add else value
        first = take(state, counter) * share


@kernel
def gated_product(threads, state, counter, weight, layer, rows, stop, sums, out):
    """``silu(gate) · up`` into ``out``, of a weight whose panels are gate, up, gate, up ...

    ``sums`` is float32 ``[2, SWEEP, 64]``.
    """
    pairs, groups = weight.bias.shape[1] // (2 * PANEL), weight.groups
    share = share_of(pairs, threads)
    first = take(state, counter) * share
    while first < pairs:
        for number in range(first, min(first + share, pairs)):
            bias = weight.bias[layer, 2 * number * PANEL : (2 * number + 2) * PANEL]
            gate_bias, up_bias = bias[:PANEL], bias[PANEL:]
            address = weight.panels[layer].ctypes.data + 2 * number * groups * weight.block
            for row in range(0, stop, SWEEP):
                count = min(SWEEP, stop - row)
                multiply_panel(address, weight, rows, row, count, sums[0])
                multiply_panel(address + groups * weight.block, weight, rows, row, count, sums[1])
                for at in range(count):
                    onto = out[row + at, number * PANEL : (number + 1) * PANEL]
                    gates, ups = sums[0, at], sums[1, at]
                    for column in range(PANEL):
                        gate, up = gates[column] + gate_bias[column], ups[column] + up_bias[column]
                        onto[column] = gate / (np.float32(1.0) + exp(-gate)) * up
        first = take(state, counter) * share


@entry
def rounded_product(thread, threads, state, weight, x, room, sums, out):
    """``x`` float32 ``[rows, in]`` times the weight, by itself: into ``out[rows, columns]``.

    Every thread of the team calls it. ``room`` is for the rounded rows; ``state`` holds one counter,
    and is all zero.
    """
    rows, groups = x.shape[0], weight.groups
    for row in range(thread, rows, threads):
        own = slice(row * groups, (row + 1) * groups)
        round_row(x[row], room.rounded[row], room.steps[own], room.less[own])
    meet(state, threads)
    product(threads, state, 0, weight, 0, room, 0, rows, sums, out, False)
