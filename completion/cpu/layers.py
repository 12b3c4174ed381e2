"""One forward pass through a range of layers, as every thread of the team runs it.

The layers are Llama's and Qwen2's: RMSNorm, grouped-query attention with rotary embedding in two
halves, a gated SiLU; see transformers' ``modeling_qwen2.py``.
"""

# pyright: basic

from typing import Any, NamedTuple

import numpy as np

from completion.cpu.attention import attend, copy
from completion.cpu.compiler import entry, kernel
from completion.cpu.integers import BLOCK_BYTES, GROUP, PANEL, SCALE_BYTES
from completion.cpu.product import gated_product, product, round_row
from completion.cpu.sync import meet

Array = Any
"""A NumPy array; Numba wants its own types and no annotations of others."""


_HALF = np.float32(2.0**112)
"""Makes a float32 of the bits of a float16 that is not negative, moved up by 13."""


class Matrix(NamedTuple):
    """A linear layer of every layer of the model: ``panels`` uint8 ``[layers, bytes]``, ``bias`` float32
    ``[layers, out]``; ``groups`` of inputs, ``width`` inputs, ``block`` bytes for a group of a panel.
    """

    panels: Array
    bias: Array
    groups: int
    width: int
    block: int = BLOCK_BYTES


class Weights(NamedTuple):
    """All of a model. ``embedding`` and ``head`` have one layer; norms are float32 ``[layers, hidden]``.

    Where ``mlp_norm`` has no layers, a layer is its attention alone.
    """

    embedding: Matrix
    attention_norm: Array
    qkv: Matrix
    out: Matrix
    mlp_norm: Array
    gate_up: Matrix
    down: Matrix
    last_norm: Array
    head: Matrix


class Sizes(NamedTuple):
    """What the arrays do not say. ``scaling`` multiplies the scores."""

    heads: int
    kv_heads: int
    dim: int
    epsilon: float
    scaling: float


class Cached(NamedTuple):
    """The arenas ``[layers, kv_heads, capacity, dim]``, ``born`` perhaps empty; ``extent`` slots count."""

    keys: Array
    values: Array
    born: Array
    extent: int


class Batch(NamedTuple):
    """The rows of a pass: ids, slots int64 ``[rows]``; cosines and sines float32 ``[rows, turned]``; the mask
    ``[rows, extent padded]``; of a tree ``places`` int64 ``[depths]`` and ``paths`` ``[rows, depths]``, as
    :func:`completion.cpu.attention.attend` says; logits float32 ``[rows from first_logits on, vocabulary
    padded]``.

    They go through layers ``[first_layer, stop_layer)``, from the team's hidden states where ``embedded``.
    """

    ids: Array
    slots: Array
    cosines: Array
    sines: Array
    mask: Array
    places: Array
    paths: Array
    first_logits: int
    logits: Array
    first_layer: int
    stop_layer: int
    embedded: bool


class Shared(NamedTuple):
    """Room that the team shares: float32 but for ``rounded`` (int8) and ``less`` (int32).

    ``steps`` and ``less`` are flat: as many to a row as the width at hand has groups.
    """

    hidden: Array
    rounded: Array
    steps: Array
    less: Array
    joined: Array
    queries: Array
    mixed: Array
    gated: Array


class Own(NamedTuple):
    """Room of one thread."""

    row: Array
    products: Array
    panel: Array
    padded: Array
    scores: Array
    sums: Array
    greatest: Array
    total: Array


@kernel
def _embed(thread, threads, weights, batch, shared):
    """Rows of the embedding, which has the order of any other weight."""
    matrix = weights.embedding
    for row in range(thread, batch.ids.shape[0], threads):
        panel, column = batch.ids[row] // PANEL, batch.ids[row] % PANEL
        for group in range(matrix.groups):
            start = (panel * matrix.groups + group) * BLOCK_BYTES
            block = matrix.panels[0, start : start + BLOCK_BYTES]
            bits = np.uint32(block[:SCALE_BYTES].view(np.uint16)[column]) << np.uint32(13)
            scale = np.uint32(bits).view(np.float32) * _HALF
            for k in range(min(GROUP, matrix.width - group * GROUP)):
                byte = block[SCALE_BYTES + (k // 4) * 4 * PANEL + 4 * column + k % 4]
                shared.hidden[row, group * GROUP + k] = np.float32(np.int32(byte) - 128) * scale


@kernel
def _round(values, row, shared):
    """Round a row for the next product."""
    groups = (values.shape[0] + GROUP - 1) // GROUP
    own = slice(row * groups, (row + 1) * groups)
    round_row(values, shared.rounded[row], shared.steps[own], shared.less[own])


@kernel
def _normed(thread, threads, first, rows, norm, epsilon, shared, own):
    """Normalise rows of the hidden states and round them."""
    width = norm.shape[0]
    for row in range(first + thread, rows, threads):
        values, total = shared.hidden[row], np.float32(0.0)
        for k in range(width):
            total += values[k] * values[k]
        factor = np.float32(1.0) / np.sqrt(total / np.float32(width) + np.float32(epsilon))
        for k in range(width):
            own.row[k] = values[k] * factor * norm[k]
        _round(own.row[:width], row, shared)


@kernel
def _rounded(thread, threads, rows, values, width, shared):
    for row in range(thread, rows, threads):
        _round(values[row, :width], row, shared)


@kernel
def _turn(source, onto, cosines, sines, factor):
    """Rotate one head's vector; dimensions behind ``cosines`` stay as they are."""
    turned, dim = cosines.shape[0], onto.shape[0]
    half = turned // 2
    for d in range(half):
        left, right = source[d], source[d + half]
        onto[d] = (left * cosines[d] - right * sines[d]) * factor
        onto[d + half] = (right * cosines[d + half] + left * sines[d + half]) * factor
    for d in range(turned, dim):
        onto[d] = source[d] * factor


@kernel
def _place(thread, threads, layer, sizes, cached, batch, shared):
    """Rotate queries and keys, and write keys and values to their slots."""
    rows, dim = batch.ids.shape[0], sizes.dim
    one = np.float32(1.0)
    for item in range(thread, rows * (sizes.heads + 2 * sizes.kv_heads), threads):
        row, head = item % rows, item // rows
        source = shared.joined[row, head * dim : (head + 1) * dim]
        slot = batch.slots[row]
        if head < sizes.heads:
            onto = shared.queries[head * rows + row]
            _turn(source, onto, batch.cosines[row], batch.sines[row], np.float32(sizes.scaling))
        elif head < sizes.heads + sizes.kv_heads:
            onto = cached.keys[layer, head - sizes.heads, slot]
            _turn(source, onto, batch.cosines[row], batch.sines[row], one)
            if cached.born.shape[0]:
                copy(onto, cached.born[layer, head - sizes.heads, slot])
        else:
            copy(source, cached.values[layer, head - sizes.heads - sizes.kv_heads, slot])


@kernel
def _attend(thread, threads, layer, sizes, cached, batch, shared, own):
    """A thread's part of all queries, one key/value head after the other."""
    rows, dim = batch.ids.shape[0], sizes.dim
    queries = sizes.heads * rows
    group = queries // sizes.kv_heads
    first, stop = queries * thread // threads, queries * (thread + 1) // threads
    while first < stop:
        head = first // group
        until = min(stop, (head + 1) * group, first + own.sums.shape[0])
        attend(
            shared.queries, first, until, rows, cached.keys[layer, head], cached.values[layer, head],
            cached.extent, batch.mask, own, batch.places, batch.paths,
        )  # fmt: skip
        for query in range(first, until):
            at = query // rows * dim
            copy(own.sums[query - first, :dim], shared.mixed[query % rows, at : at + dim])
        first = until


@kernel
def _layer(thread, threads, layer, state, counter, weights, sizes, cached, batch, shared, own):
    rows = batch.ids.shape[0]
    _normed(thread, threads, 0, rows, weights.attention_norm[layer], sizes.epsilon, shared, own)
    meet(state, threads)
    product(
        threads, state, counter, weights.qkv, layer, shared, 0, rows, own.products[0], shared.joined, False
    )
    meet(state, threads)
    _place(thread, threads, layer, sizes, cached, batch, shared)
    meet(state, threads)
    _attend(thread, threads, layer, sizes, cached, batch, shared, own)
    meet(state, threads)
    _rounded(thread, threads, rows, shared.mixed, weights.out.width, shared)
    meet(state, threads)
    product(
        threads, state, counter + 1, weights.out, layer, shared, 0, rows, own.products[0], shared.hidden,
        True,
    )  # fmt: skip
    meet(state, threads)
    if weights.mlp_norm.shape[0]:
        _mlp(thread, threads, layer, state, counter, weights, sizes, rows, shared, own)


@kernel
def _mlp(thread, threads, layer, state, counter, weights, sizes, rows, shared, own):
    _normed(thread, threads, 0, rows, weights.mlp_norm[layer], sizes.epsilon, shared, own)
    meet(state, threads)
    gated_product(
        threads, state, counter + 2, weights.gate_up, layer, shared, rows, own.products, shared.gated
    )
    meet(state, threads)
    _rounded(thread, threads, rows, shared.gated, weights.down.width, shared)
    meet(state, threads)
    product(
        threads, state, counter + 3, weights.down, layer, shared, 0, rows, own.products[0], shared.hidden,
        True,
    )  # fmt: skip
    meet(state, threads)


COUNTERS_A_LAYER = 4


@entry
def forward(thread, threads, state, weights, sizes, cached, batch, shared, own):
    """Compute ``batch``: its keys and values into ``cached``, its logits where they are asked for.

    ``state`` holds ``COUNTERS_A_LAYER`` counters a layer and one more, all zero.
    """
    rows = batch.ids.shape[0]
    if not batch.embedded:
        _embed(thread, threads, weights, batch, shared)
        meet(state, threads)
    for layer in range(batch.first_layer, batch.stop_layer):
        counter = COUNTERS_A_LAYER * layer
        _layer(thread, threads, layer, state, counter, weights, sizes, cached, batch, shared, own)
    if batch.first_logits < rows:
        _normed(thread, threads, batch.first_logits, rows, weights.last_norm[0], sizes.epsilon, shared, own)
        meet(state, threads)
        last = COUNTERS_A_LAYER * weights.attention_norm.shape[0]
        product(
            threads,
            state,
            last,
            weights.head,
            0,
            shared,
            batch.first_logits,
            rows,
            own.products[0],
            batch.logits,
            False,
        )
