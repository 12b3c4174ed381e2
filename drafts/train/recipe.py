"""How a draft is made: sizes, stages and their shares of the steps. Pure.

FastDraft's three stages (arXiv 2411.11055, section 3): pre-train on text, continue on code mixed with
text, align with the target's own completions. What begins as the first layers of a model (S2D, arXiv
2407.01955) has been pre-trained already.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drafts.card import Kind
from drafts.errors import BadRecipe
from drafts.train.loop import Pace
from drafts.train.scaled import Size


class Stage(NamedTuple):
    """A part of a run: steps from where the stage before ended up to ``until``."""

    name: str
    until: int
    fim: float
    """Share of fill-in-the-middle samples."""
    prose: float
    """Share of samples from prose."""


ALIGN = "align"
_SHARES = (("pre-train", 0.3, 0.0, 0.5), ("code", 0.5, 0.67, 0.1), (ALIGN, 0.2, 1.0, 0.0))
"""Name, share of the steps, fill-in-the-middle, prose. The paper mixes two parts of code with one of text."""


@dataclass(frozen=True)
class Recipe:
    """One way to make a draft. Everything here decides the result, and a resumed run must have the same."""

    kind: Kind
    pace: Pace
    size: Size = field(default_factory=Size)
    exits: tuple[int, ...] = ()
    """Layers that one may stop behind; the last layer always is one."""
    words: int = 16_384
    """Tokens of the target that the draft can say."""
    rows: int = 16
    """Samples a step."""
    length: int = 512
    """Tokens a sample."""
    most: int = 48
    """Tokens of a completion of the target."""
    prompts: int = 2_000
    """Prompts that the target completes for the last stage; 0: there is no such stage, and the draft is
    measured against what stood in the files."""
    held_out_prompts: int = 64
    evaluations: int = 10
    """How often the held-out middles are measured."""
    seed: int = 0
    from_layers: bool = False
    """Whether the draft begins as the first layers of a model instead of with random weights."""

    def check(self) -> None:
        """Raise BadRecipe for what cannot be."""
        smallest = {"steps": self.pace.steps, "words": self.words - 255, "samples a step": self.rows}
        for name, value in smallest.items():
            if value < 1:
                raise BadRecipe(f"There are too few {name} for a draft.")
        if self.length < 32 or not 1 <= self.most <= self.length // 2:
            raise BadRecipe("A sample has 32 tokens at least, and a completion half of them at most.")

    @property
    def all_exits(self) -> tuple[int, ...]:
        """The exits, the last layer among them."""
        return tuple(sorted({*self.exits, self.size.layers}))

    def stages(self) -> list[Stage]:
        """The stages in order; the last ends with the last step."""
        shares = _SHARES[1:] if self.from_layers else _SHARES
        shares = shares if self.prompts else shares[:-1]
        total, done, found = sum(share for _, share, *_ in shares), 0.0, list[Stage]()
        for name, share, fim, prose in shares:
            done += share / total
            found.append(Stage(name, round(self.pace.steps * done), fim, prose))
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain values, in which two recipes can be compared."""
        values = dataclasses.asdict(self)
        values["exits"] = list(self.exits)
        return values
