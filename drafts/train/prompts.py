"""Prompts of middles: held out to measure with, and for the target to complete; kept once completed."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from drafts.errors import CorruptCheckpoint
from drafts.train.acceptance import HeldOut
from drafts.train.batches import Codec
from drafts.train.checkpoint import write_json
from drafts.train.corpus import Document
from drafts.train.samples import FimIds, cut_middle, prompt, window

_CHUNK = 32
"""Prompts completed at a time, and kept together."""


@dataclass(frozen=True)
class Asking:
    """How prompts are made and how much is completed."""

    count: int
    length: int
    """Tokens of prompt and completion together."""
    most: int
    """Tokens of a completion."""
    seed: int


class Completer(Protocol):
    """What completes prompts; :class:`drafts.train.target.Target` is one."""

    def complete(
        self, prompts: Sequence[Sequence[int]], temperature: float, generator: torch.Generator
    ) -> list[tuple[int, ...]]:
        """One completion a prompt."""
        ...


def middles(documents: Sequence[Document], codec: Codec, fim: FimIds, asking: Asking) -> list[HeldOut]:
    """``count`` prompts from random places of the code, with what stood there and a stop.

    A pure function of its arguments. Fewer where the documents are too short to be cut.
    """
    code = [each for each in documents if each.kind == "code"] or list(documents)
    rng = np.random.default_rng([asking.seed, len(code)])
    cuts = [
        cut_middle(
            window(code[int(rng.integers(len(code)))].text, asking.length, rng).text, 4 * asking.most, rng
        )
        for _ in range(asking.count)
    ]
    cuts = [cut for cut in cuts if cut.middle.strip()]
    encoded = codec.encode_batch([part for cut in cuts for part in cut])
    room = asking.length - asking.most
    return [
        HeldOut(
            prompt(encoded[at], encoded[at + 2], fim, room),
            (*encoded[at + 1], fim.stops[0])[: asking.most],
        )
        for at in range(0, len(encoded), 3)
    ]


def completed(
    prompts: Sequence[HeldOut], target: Completer, folder: Path, *, temperatures: Sequence[float], seed: int
) -> Generator[int, None, list[HeldOut]]:
    """The prompts with the target's completions; yields how many are done, returns all that say something.

    Every chunk is kept as a file of ``folder``, so that whoever was stopped goes on behind the last; it is
    drawn from a generator of its own, so that the result is the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[HeldOut] = []
    for number, start in enumerate(range(0, len(prompts), _CHUNK)):
        some = prompts[start : start + _CHUNK]
        path = folder / f"{number:06}.json"
        if not path.exists():
            generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
            temperature = temperatures[number % len(temperatures)]
            write_json(path, target.complete([each.prompt for each in some], temperature, generator))
        answers = _kept(path, len(some))
        found += [HeldOut(each.prompt, said) for each, said in zip(some, answers, strict=True) if said]
        yield min(start + _CHUNK, len(prompts))
    return found


def _kept(path: Path, count: int) -> list[tuple[int, ...]]:
    try:
        value: list[Any] = json.loads(path.read_text(encoding="utf-8"))
        answers = [tuple(int(token) for token in said) for said in value]
    except (OSError, ValueError, TypeError) as error:
        raise CorruptCheckpoint(f"{path} is damaged: delete it, and it is made anew.") from error
    if len(answers) != count:
        raise CorruptCheckpoint(f"{path} is damaged: delete it, and it is made anew.")
    return answers
