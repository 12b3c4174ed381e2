"""``draft.json``: what a directory with a trained draft is good for."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from drafts.errors import CorruptDraft
from drafts.vocabulary import Vocabulary, check_tokenizer, read_vocabulary

CARD = "draft.json"
VERSION = 1
Kind = Literal["tiny", "nested", "exit"]
"""What is in the directory beside the card: a model, one with several exits, or an adapter of the target."""
ADAPTER = "adapter.safetensors"
WINDOWS = (3, 5)
"""Tokens drafted at a time for which the block efficiency is told."""


@dataclass(frozen=True)
class Measured:
    """What one exit of a draft was worth on held-out middles."""

    loss: float
    """Nats a token of the draft's own vocabulary."""
    acceptance: float
    """Share of the reference's tokens that the draft would have guessed, 0 to 1."""
    block_efficiency: tuple[float, ...]
    """Output tokens a pass of the target at each of ``WINDOWS``; what no draft at all gives is 1."""


@dataclass(frozen=True)
class DraftCard:
    """What was made, for whom, and how good it is. ``exits`` are numbers of layers, ascending."""

    kind: Kind
    target: str
    tokenizer: str
    """Fingerprint of the target's tokenizer, see :func:`drafts.vocabulary.fingerprint`."""
    exits: tuple[int, ...]
    steps: int
    measured: tuple[Measured, ...]
    """One for each exit."""
    version: int = VERSION


@dataclass(frozen=True, eq=False)
class DraftFiles:
    """A trained draft on the disk: a model of its words in ``directory``, and what tells about it."""

    directory: Path
    card: DraftCard
    vocabulary: Vocabulary


def open_files(directory: Path, tokenizer: str) -> DraftFiles:
    """The draft in ``directory``, for a target whose tokenizer has this fingerprint.

    Raises CorruptDraft, or OtherVocabulary when it was made for another.
    """
    card = read_card(directory)
    check_tokenizer(directory.name, card.tokenizer, tokenizer)
    return DraftFiles(directory, card, read_vocabulary(directory))


def write_card(directory: Path, card: DraftCard) -> None:
    """Write ``draft.json``. Writes one file."""
    (directory / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")


def read_card(directory: Path) -> DraftCard:
    """The card of the draft in ``directory``. Raises CorruptDraft."""
    try:
        return _card(json.loads((directory / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptDraft(f"The draft in {directory} is damaged: it has no readable {CARD}.") from error


def _card(fields: dict[str, Any]) -> DraftCard:
    if fields["version"] != VERSION or fields["kind"] not in {"tiny", "nested", "exit"}:
        raise ValueError("another version or kind")
    exits = tuple(int(layers) for layers in fields["exits"])
    measured = tuple(_measured(each) for each in fields["measured"])
    if not exits or list(exits) != sorted(set(exits)) or exits[0] < 1 or len(measured) != len(exits):
        raise ValueError("exits out of order")
    return DraftCard(
        kind=cast("Kind", fields["kind"]),
        target=str(fields["target"]),
        tokenizer=str(fields["tokenizer"]),
        exits=exits,
        steps=int(fields["steps"]),
        measured=measured,
    )


def _measured(fields: dict[str, Any]) -> Measured:
    blocks = tuple(float(block) for block in fields["block_efficiency"])
    return Measured(float(fields["loss"]), float(fields["acceptance"]), blocks)
