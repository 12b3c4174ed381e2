"""Puts the drafters of an engine together, as far as its settings and its model allow."""

import logging
from dataclasses import dataclass, field

from completion.loading import LoadedModel
from drafts.chooser import Chooser
from drafts.config import DraftConfig
from drafts.draft import CostlyDrafter, Drafter
from drafts.errors import DraftMismatch
from drafts.small_model import SmallModelDrafter
from drafts.suffix import SuffixDrafter, SuffixSettings
from drafts.typed import TypedDrafter
from kvcache.pool import CachePool

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drafters:
    """What an engine may draft with; ``small`` is the draft model."""

    config: DraftConfig = field(default_factory=DraftConfig)
    small: LoadedModel | None = None

    def cache_bytes(self, target: LoadedModel, budget: int) -> int:
        """What of the caches' ``budget`` the draft model's take: as many tokens fit into either."""
        if self.small is None:
            return 0
        own = self.small.shape.token_bytes
        return budget * own // (own + target.shape.token_bytes)

    def chooser(self, target: LoadedModel, *, cache_bytes: int, chunk: int) -> Chooser | None:
        """Who drafts for ``target``; None where nobody does.

        A draft model whose vocabulary or device is another is left out: the log says why.
        ``chunk`` tokens are read between two pauses.
        """
        wanted = self.config.drafter
        free: list[Drafter] = []
        if wanted in {"auto", "typed"}:
            free.append(TypedDrafter())
        if wanted in {"auto", "suffix"}:
            free.append(SuffixDrafter(SuffixSettings(held_tokens=self.config.remembered_tokens)))
        costly: list[CostlyDrafter] = []
        if self.small is not None and wanted in {"auto", "small_model"}:
            try:
                costly.append(_small_model(target, self.small, cache_bytes=cache_bytes, chunk=chunk))
            except DraftMismatch as error:
                _log.warning("%s Completions go on without it.", error)
        if not free and not costly:
            return None
        return Chooser(free, costly, window=self.config.window, force=wanted != "auto")


def _small_model(
    target: LoadedModel, small: LoadedModel, *, cache_bytes: int, chunk: int
) -> SmallModelDrafter:
    """A drafter of ``small``. Raises DraftMismatch."""
    if small.device != target.device:
        raise DraftMismatch(f"The draft model is on {small.device}, its target on {target.device}.")
    return SmallModelDrafter(
        small.forward,
        CachePool(small.shape, cache_bytes, dtype=small.dtype, device=small.device, rotary=small.rotary),
        vocabulary=_common_ids(target, small),
        stop_ids=frozenset(small.codec.special_ids),
        chunk=chunk,
        movable=small.rotary is not None,
    )


def _common_ids(target: LoadedModel, small: LoadedModel) -> int:
    """Ids below this mean the same to both; the tables behind may be padded to other sizes.

    Raises DraftMismatch.
    """
    ours, theirs = target.codec.spellings(), small.codec.spellings()
    if ours != theirs:
        at = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
        differs = f"{len(ours)} and {len(theirs)} tokens" if at is None else f"token {at} differs"
        raise DraftMismatch(
            f"The draft model {small.name} has another vocabulary than {target.name} ({differs})."
        )
    return len(ours)
