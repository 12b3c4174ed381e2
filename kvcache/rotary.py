"""Turns cached keys from the position they were computed at to another.

A rotary key is ``R(p) k``: pairs of its elements turned by angles that grow with the position
``p`` (RoFormer, arXiv 2104.09864, section 3.2). So ``R(q) R(p)^-1`` makes of a cached key what
the model would compute at ``q`` (PIE, arXiv 2407.03157, section 3). The angles are those of the
model's own rotary module, and that the result is right is tried on the model's own keys.
"""

from typing import Any, cast

import torch
from torch import nn

from kvcache.errors import UnsupportedShift

UNSTEADY = frozenset({"dynamic", "longrope"})
"""Kinds of rotary scaling whose angles change with the length: no cached key can be moved."""

_TABLE_STEP = 4096
"""The table of angles grows by this many positions."""

_PROBED = 4
"""Tokens whose keys are compared at construction."""

_TOLERANCE = 1e-3
"""Relative error allowed there in float32; a wrong pairing or angle is off by about 1."""

_STRANGE = (AttributeError, IndexError, RuntimeError, StopIteration, TypeError, ValueError)
"""What a model raises that is not built like the others."""


class Rotary:
    """Turns cached keys from the position they were computed at to another."""

    def __init__(self, module: Any, max_positions: int, *, interleaved: bool) -> None:
        """``module`` is the model's rotary module: ``(x, position_ids) -> cos, sin``.

        ``interleaved`` pairs element ``2i`` with ``2i + 1``; else ``i`` goes with ``i + half``.
        """
        self._module = module
        self._max_positions = max_positions
        self._interleaved = interleaved
        self._cos, self._sin = _angles(module, 0, min(_TABLE_STEP, max_positions))

    @property
    def width(self) -> int:
        """Elements in front of each key that turn; the others pass through."""
        return 2 * self._cos.shape[-1]

    def turn(self, keys: torch.Tensor, *, computed_at: torch.Tensor, wanted_at: torch.Tensor) -> torch.Tensor:
        """``keys`` as the model would have computed them at ``wanted_at``: a new tensor.

        ``keys`` is ``[layers, kv_heads, n, head_dim]`` of any floating type, after rotation;
        the positions are int64 ``[n]``. Computes in float32, returns the type of ``keys``.
        Exact up to that type; where nothing moves, up to a rounding of float32. Raises
        ValueError for positions the model does not have.
        """
        out = torch.empty_like(keys)
        if not keys.numel():
            return out
        cos, sin = self._between(computed_at, wanted_at)
        out[..., self.width :] = keys[..., self.width :]
        # Layer by layer: what is written once is still near the processor when it is added to.
        for given, turned in zip(keys[..., : self.width], out[..., : self.width], strict=True):
            exact = turned if turned.dtype == torch.float32 else torch.empty_like(turned, dtype=torch.float32)
            old_x, old_y = self._pairs(given.float())
            new_x, new_y = self._pairs(exact)
            torch.mul(old_x, cos, out=new_x).addcmul_(old_y, sin, value=-1)
            torch.mul(old_y, cos, out=new_y).addcmul_(old_x, sin)
            if exact is not turned:
                turned.copy_(exact)
        return out

    def _between(self, start: torch.Tensor, end: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and sine ``[n, width / 2]`` of the angles from ``start`` to ``end``.

        By the addition theorems, from the model's own values: its float32 rounding of large
        angles stays in, where the angle of ``end - start`` would miss it.
        """
        low, high = torch.cat((start, end)).aminmax()
        self._grow(int(low), int(high))
        cos_p, sin_p, cos_q, sin_q = self._cos[start], self._sin[start], self._cos[end], self._sin[end]
        return cos_q * cos_p + sin_q * sin_p, sin_q * cos_p - cos_q * sin_p

    def _grow(self, low: int, high: int) -> None:
        """Make the table reach ``high``."""
        if low < 0 or high >= self._max_positions:
            raise ValueError(f"Positions {low} to {high} are not among the {self._max_positions} there are.")
        known = len(self._cos)
        if high >= known:
            stop = min(self._max_positions, (high // _TABLE_STEP + 1) * _TABLE_STEP)
            cos, sin = _angles(self._module, known, stop)
            self._cos = torch.cat((self._cos, cos))
            self._sin = torch.cat((self._sin, sin))

    def _pairs(self, keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Views ``[..., width / 2]`` of the first and of the second elements of the pairs."""
        if self._interleaved:
            return keys[..., ::2], keys[..., 1::2]
        half = keys.shape[-1] // 2
        return keys[..., :half], keys[..., half:]


def rotary_of(model: Any, head_dim: int, max_positions: int) -> Rotary:
    """How the cached keys of a transformers causal language model are turned.

    ``head_dim`` is the width of a cached key. Runs the model once over a few tokens that stand
    at two positions each, and takes the pairing by which the keys of every layer turn from one
    to the other. Raises UnsupportedShift, naming the model type, if there is none: angles that
    change with length (dynamic NTK, LongRoPE) or from layer to layer, layers without rotation,
    learned positions, ALiBi, recurrent and linear-attention layers.
    """
    config = model.config
    body = model.get_decoder()
    _refuse_unsteady(config)
    module = getattr(body, "rotary_emb", None)
    if not isinstance(module, nn.Module) or getattr(config, "alibi", False):
        raise _refusal(config, "it has no rotary positions")
    here, there = _probe_positions(max_positions)
    try:
        candidates = [Rotary(module, max_positions, interleaved=kind) for kind in (False, True)]
        keys = _probe(model, body, torch.cat((here, there)))
    except _STRANGE as error:
        raise _refusal(config, f"its rotary module cannot be tried ({error})") from error
    if any(layer.shape[-1] != head_dim for layer in keys) or candidates[0].width > head_dim:
        raise _refusal(config, f"its keys are not {head_dim} wide in every layer")
    misfits: list[list[int]] = []
    for rotary in candidates:
        wrong = [index for index, layer in enumerate(keys) if not _fits(rotary, layer, here, there)]
        if not wrong:
            return rotary
        misfits.append(wrong)
    layer = min(misfits, key=len)[0]
    raise _refusal(config, f"layer {layer} does not turn its keys the way the rotary module says")


def rope_type(config: Any) -> str:
    """The kind of rotary scaling, as transformers names it."""
    parameters = rope_parameters(config)
    return str(parameters.get("rope_type") or parameters.get("type") or "default")


def rope_parameters(config: Any) -> dict[str, Any]:
    """The rotary parameters of a configuration, by kind of layer where these differ."""
    return getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}


def _refuse_unsteady(config: Any) -> None:
    """Raise UnsupportedShift for what the configuration already tells."""
    kinds = sorted(set(getattr(config, "layer_types", None) or []))
    if len(kinds) > 1 or not {"full_attention", "sliding_attention"}.issuperset(kinds):
        raise _refusal(config, f"it has layers of kind {', '.join(kinds)}")
    kind = rope_type(config)
    if kind in UNSTEADY:
        raise _refusal(config, f"its rotary angles ({kind}) change with the length of the sequence")


def _refusal(config: Any, reason: str) -> UnsupportedShift:
    return UnsupportedShift(f"The cached keys of {config.model_type!r} cannot be moved: {reason}.")


def _angles(module: Any, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines ``[stop - start, width / 2]`` of the model's angles, in float32.

    YaRN's attention factor is divided out: the cached keys have it in already.
    """
    device = next(module.buffers()).device
    scale = float(getattr(module, "attention_scaling", 1.0))
    with torch.no_grad():
        cos, sin = module(torch.zeros(1, device=device), torch.arange(start, stop, device=device)[None])
    keep = _each_angle_once(cos[0])
    return cos[0, :, keep] / scale, sin[0, :, keep] / scale


def _each_angle_once(table: torch.Tensor) -> slice:
    """Which columns of ``[positions, columns]`` to keep: most modules give every angle twice."""
    half = table.shape[-1] // 2
    if torch.equal(table[:, :half], table[:, half:]):
        return slice(0, half)
    if torch.equal(table[:, ::2], table[:, 1::2]):
        return slice(0, None, 2)
    return slice(None)


def _probe_positions(max_positions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions far apart, and where each is to be turned to."""
    here = torch.linspace(0, min(_TABLE_STEP, max_positions) - 1, _PROBED).long()
    return here, here.flip(0)


def _probe(model: Any, body: Any, positions: torch.Tensor) -> list[torch.Tensor]:
    """The keys ``[kv_heads, n, head_dim]`` of every layer for a few tokens, standing twice.

    ``positions`` is ``[n]``; the tokens of its second half are those of its first. Every layer
    is given what the first one is given, so the position is all in which equal tokens differ:
    neither what a layer attends to nor the rounding of the layers in front of it.
    """
    device = model.device
    rows = len(positions)
    vocabulary = int(model.config.vocab_size)
    ids = torch.randint(vocabulary, (1, rows // 2), generator=torch.Generator().manual_seed(0))
    seen: list[torch.Tensor] = []

    def as_the_first(_layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        seen.append(args[0])
        return (seen[0], *args[1:]), kwargs

    layers = next(child for child in body.children() if isinstance(child, nn.ModuleList))
    hooks = [layer.register_forward_pre_hook(as_the_first, with_kwargs=True) for layer in layers]
    try:
        with torch.inference_mode():
            out = body(
                input_ids=ids.repeat(1, 2).to(device),
                position_ids=positions[None].to(device),
                attention_mask=torch.ones(1, 1, rows, rows, dtype=torch.bool, device=device).tril(),
                use_cache=True,
            )
    finally:
        for hook in hooks:
            hook.remove()
    return [cast("torch.Tensor", layer.keys[0]) for layer in out.past_key_values.layers]


def _fits(rotary: Rotary, keys: torch.Tensor, here: torch.Tensor, there: torch.Tensor) -> bool:
    """Whether the first half of one layer's ``keys`` turns into the second."""
    first, second = keys.chunk(2, dim=-2)
    device = keys.device
    turned = rotary.turn(first[None], computed_at=here.to(device), wanted_at=there.to(device))[0].float()
    allowed = max(_TOLERANCE, 8 * torch.finfo(keys.dtype).eps)
    error = (turned - second.float()).square().sum().sqrt()
    return float(error) <= allowed * float(second.float().square().sum().sqrt())
