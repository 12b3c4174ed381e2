"""Puts the drafters of an engine together, as far as its settings and its model allow."""

import logging
from dataclasses import dataclass, field, replace
from typing import Any, cast

from completion.cpu.passes import CpuPass
from completion.errors import UnsupportedModel
from completion.exits import ExitPass, Halves
from completion.forward import Forward
from completion.halves import HalvedPass
from completion.healing import Vocabulary
from completion.loading import LoadedModel, RunningModel
from completion.trained import WordsModel
from completion.verifying import Follow, Verifier, unfollowed
from drafts.adapter import Adapter
from drafts.chooser import Chooser
from drafts.config import DraftConfig
from drafts.draft import CostlyDrafter, Drafter
from drafts.early_exit import EarlyExit
from drafts.errors import DraftMismatch
from drafts.small_model import SmallModelDrafter
from drafts.suffix import SuffixDrafter, SuffixSettings
from drafts.typed import TypedDrafter
from drafts.words import WordsDrafter
from kvcache.pool import CachePool

_log = logging.getLogger(__name__)

Extra = LoadedModel | WordsModel | Adapter
"""What drafts beside the free drafters: a model of the target's tokens, one of words, an early exit."""


@dataclass(frozen=True)
class Team:
    """The drafters of a target, and the target as they need it."""

    target: LoadedModel
    """With its first layers to draft with, where there is an early exit."""
    chooser: Chooser | None
    """None where nobody drafts."""
    names: tuple[str, ...] = ()
    """Who drafts."""
    refused: str = ""
    """Why the draft that the settings name is left out; empty where it is not."""
    follow: Follow = unfollowed

    def verifier(self, vocabulary: Vocabulary) -> Verifier:
        """What checks their drafts."""
        return Verifier(self.target.forward, vocabulary, self.target.codec.bytes_of, self.follow)


def drafts_as(extra: Extra) -> str:
    """The name of the drafter that ``extra`` becomes."""
    match extra:
        case LoadedModel():
            return "small_model"
        case WordsModel():
            return extra.kind
        case Adapter():
            return "early_exit"


@dataclass(frozen=True)
class Drafters:
    """What an engine may draft with; ``refused`` says why there is no ``extra`` where one was asked for."""

    config: DraftConfig = field(default_factory=DraftConfig)
    extra: Extra | None = None
    refused: str = ""

    def cache_bytes(self, target: LoadedModel, budget: int) -> int:
        """What of the caches' ``budget`` the draft model's take: as many tokens fit into either."""
        match self.extra:
            case None | Adapter():
                return 0
            case WordsModel(model=model):
                own = model.shape.token_bytes
            case LoadedModel(shape=shape):
                own = shape.token_bytes
        return budget * own // (own + target.shape.token_bytes)

    def chooser(self, target: LoadedModel, *, cache_bytes: int, chunk: int) -> Chooser | None:
        """As that of :meth:`assemble`."""
        return self.assemble(target, cache_bytes=cache_bytes, chunk=chunk).chooser

    def assemble(self, target: LoadedModel, *, cache_bytes: int, chunk: int) -> Team:
        """Who drafts for ``target``.

        A draft whose vocabulary, device or shape does not fit is left out: the log and the team say why.
        ``chunk`` tokens are read between two pauses.
        """
        wanted = self.config.drafter
        free: list[Drafter] = []
        if wanted in {"auto", "typed"}:
            free.append(TypedDrafter())
        if wanted in {"auto", "suffix"}:
            free.append(SuffixDrafter(SuffixSettings(held_tokens=self.config.remembered_tokens)))
        team = Team(target, None, refused=self.refused)
        costly: list[CostlyDrafter] = []
        if self.extra is not None and wanted in {"auto", drafts_as(self.extra)}:
            try:
                team, drafter = _joined(team, self.extra, cache_bytes=cache_bytes, chunk=chunk)
                costly.append(drafter)
            except DraftMismatch as error:
                _log.warning("%s Completions go on without it.", error)
                team = replace(team, refused=str(error))
        if not free and not costly:
            return team
        chooser = Chooser(free, costly, window=self.config.window, force=wanted != "auto")
        return replace(team, chooser=chooser, names=tuple(each.name for each in (*free, *costly)))


def _joined(team: Team, extra: Extra, *, cache_bytes: int, chunk: int) -> tuple[Team, CostlyDrafter]:
    """The team with a drafter of ``extra``. Raises DraftMismatch."""
    target = team.target
    match extra:
        case Adapter():
            exits = ExitPass(_halves(target), extra)
            drafter = EarlyExit(exits, stop_ids=frozenset(target.codec.special_ids))
            whole = Forward(exits, target.shape, dtype=target.dtype, device=target.device)
            return replace(team, target=replace(target, forward=whole), follow=exits.follow), drafter
        case WordsModel(model=model, vocabulary=words):
            known = [token for token in target.codec.special_ids if words.says([token])[0]]
            stops = frozenset(map(int, words.read(known)))
            speaker = _speaker(
                model, target, vocabulary=len(words), stop_ids=stops, cache_bytes=cache_bytes, chunk=chunk
            )
            return team, WordsDrafter(extra.kind, speaker, words)
        case LoadedModel():
            common = _common_ids(target, extra)
            stops = frozenset(extra.codec.special_ids)
            return team, _speaker(
                extra, target, vocabulary=common, stop_ids=stops, cache_bytes=cache_bytes, chunk=chunk
            )


def _halves(target: LoadedModel) -> Halves:
    """The target's passes in two parts. Raises DraftMismatch where they cannot be had."""
    passes = target.forward.passes
    if isinstance(passes, CpuPass):
        return passes
    if target.device.type != "cpu" or target.model is None:
        raise DraftMismatch(f"An early exit drafts on a CPU only; {target.name} is on {target.device}.")
    try:
        return cast("Any", HalvedPass(target.model))
    except UnsupportedModel as error:
        raise DraftMismatch(str(error)) from error


def _speaker(
    model: RunningModel,
    target: LoadedModel,
    *,
    vocabulary: int,
    stop_ids: frozenset[int],
    cache_bytes: int,
    chunk: int,
) -> SmallModelDrafter:
    """A drafter that runs ``model``. Raises DraftMismatch."""
    if model.device != target.device:
        raise DraftMismatch(f"The draft model is on {model.device}, its target on {target.device}.")
    return SmallModelDrafter(
        model.forward,
        CachePool(model.shape, cache_bytes, dtype=model.dtype, device=model.device, rotary=model.rotary),
        vocabulary=vocabulary,
        stop_ids=stop_ids,
        chunk=chunk,
        movable=model.rotary is not None,
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
