"""Opens drafts that ``splice drafts train`` made, for a target: what does not fit is refused here by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transformers import AutoConfig

from completion.config import EngineConfig
from completion.errors import CompletionError
from completion.loading import LoadedModel, RunningModel, run_model
from drafts.adapter import Adapter, read_adapter
from drafts.card import ADAPTER, CARD, WINDOWS, DraftCard, Kind, read_card
from drafts.errors import CorruptDraft, DraftMismatch
from drafts.vocabulary import Spelling, Vocabulary, check_tokenizer, fingerprint, read_vocabulary

DRAFTS_AS: Mapping[Kind, str] = MappingProxyType({"tiny": "tiny", "nested": "nested", "exit": "early_exit"})
"""The name of the drafter that a trained draft becomes, as in settings, traces and tables."""


@dataclass(frozen=True)
class WordsModel:
    """A trained model of words. ``layers`` are those it runs, of all that it has."""

    kind: Kind
    model: RunningModel
    vocabulary: Vocabulary
    layers: int


def is_trained(model: str) -> bool:
    """Whether ``model``, as the settings name it, is the directory of a trained draft."""
    return (Path(model).expanduser() / CARD).is_file()


def open_trained(directory: Path, target: LoadedModel, config: EngineConfig) -> WordsModel | Adapter:
    """The draft in ``directory``, of the device and the weights that ``config`` names.

    Raises CorruptDraft, OtherVocabulary where it was made for other tokens, DraftMismatch where it does not
    fit the target in another way.
    """
    card = check_card(directory, target.name, target.codec)
    if card.kind == "exit":
        return read_adapter(directory / ADAPTER)
    vocabulary = read_vocabulary(directory)
    layers = best_exit(card, _cost(directory, target)) if card.kind == "nested" else card.exits[-1]
    try:
        model = run_model(directory, config, layers=layers)
    except CompletionError as error:
        raise CorruptDraft(f"The draft in {directory} is damaged: {error}") from error
    words = int(model.config.vocab_size)
    if words != len(vocabulary):
        raise CorruptDraft(
            f"The draft in {directory} is damaged: its model has {words} words, its vocabulary "
            f"{len(vocabulary)}."
        )
    if model.device != target.device:
        raise DraftMismatch(
            f"The draft {directory.name} is on {model.device}, its target on {target.device}."
        )
    return WordsModel(card.kind, model, vocabulary, layers)


def check_card(directory: Path, target: str, codec: Spelling) -> DraftCard:
    """The card of the draft in ``directory``, if that is for the model ``target`` with these tokens.

    Raises CorruptDraft, OtherVocabulary, or DraftMismatch for an adapter of another model. Reads one file.
    """
    card = read_card(directory)
    check_tokenizer(directory.name, card.tokenizer, fingerprint(codec))
    if card.kind == "exit" and card.target != target:
        raise DraftMismatch(f"The adapter {directory.name} was made for {card.target}, not for {target}.")
    return card


def best_exit(card: DraftCard, cost: Callable[[int], float]) -> int:
    """The exit that promises most output in the time of a pass of the target.

    ``cost`` is what a word takes at so many layers, beside such a pass; a large target can wait for a deeper
    draft, which is how one serves several (S2D, arXiv 2407.01955, section 3.2). Drafts of the sizes that the
    card was measured with are compared.
    """
    offers = [
        (block / (1 + window * cost(layers)), -layers)
        for layers, measured in zip(card.exits, card.measured, strict=True)
        for window, block in zip(WINDOWS, measured.block_efficiency, strict=True)
    ]
    return -max(offers)[1]


def _cost(directory: Path, target: LoadedModel) -> Callable[[int], float]:
    """What is read of weights for a word at so many layers, beside what is read for a token of the target."""
    auto: Any = AutoConfig  # partly untyped
    try:
        config = auto.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise CorruptDraft(f"The draft in {directory} is damaged: {error}") from error
    whole = weights_read(target.config, target.config.num_hidden_layers)
    return lambda layers: weights_read(config, layers) / whole


def weights_read(config: Any, layers: int) -> int:
    """How many weights a token goes through in ``layers`` layers and the head, about."""
    width, heads = int(config.hidden_size), int(config.num_attention_heads)
    shared = int(getattr(config, "num_key_value_heads", None) or heads) / heads
    attention = 2 * width * width * (1 + shared)
    return round(
        layers * (attention + 3 * width * int(config.intermediate_size)) + int(config.vocab_size) * width
    )
