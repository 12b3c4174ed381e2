"""Frozen settings of this package, handed to constructors by the engine."""

from dataclasses import dataclass
from typing import Literal

DraftMode = Literal["auto", "off", "typed", "suffix", "small_model", "early_exit", "tiny", "nested"]


@dataclass(frozen=True)
class DraftConfig:
    """How completions are drafted. Drafts change how long an answer takes, never what it is."""

    drafter: DraftMode = "auto"
    """auto: at each step whichever drafter promises most, none where none pays. off: none. A name: that one
    alone."""
    model: str | None = None
    """A smaller model of the target's vocabulary that drafts for it, named as ``engine.model``, or the
    directory of a draft that ``splice drafts train`` made; it takes memory of its own. None: none."""
    window: int = 12
    """Tokens drafted for one pass of the target at most."""
    remembered_tokens: int = 65_536
    """Tokens of open documents and past completions that drafts are looked up in at most."""
