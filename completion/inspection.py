"""Looking at a model's directory before it is opened: what is refused, is refused here, by name.

Nothing is loaded: file names, JSON files and the header of one safetensors file are read.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from completion.errors import CorruptModel, UnsupportedModel
from completion.families import FAMILIES, FimFamily, detect_family

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def inspect_directory(directory: Path) -> FimFamily:
    """Return the family of the model in ``directory``. Changes nothing.

    Raises UnsupportedModel for pickled weights, code of its own or a tokenizer that is not fast,
    NoFimTokens for a tokenizer without fill-in-the-middle tokens, CorruptModel for broken files.
    """
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    refuse_unsafe(names, where=str(directory))
    _read_json(directory / "config.json")
    inspect_config(directory)
    for name in names:
        if name.endswith(".safetensors"):
            _check_length(directory / name)
    return inspect_tokenizer(directory)


def refuse_unsafe(names: Iterable[str], *, where: str) -> None:
    """Raise UnsupportedModel unless these files are a safetensors model with a fast tokenizer."""
    names = list(names)
    if not any(name.endswith(".safetensors") for name in names):
        if any(name.endswith(_PICKLES) for name in names):
            raise UnsupportedModel(
                f"{where} holds pickled weights, which can run code; only safetensors and GGUF are opened."
            )
        raise UnsupportedModel(f"{where} holds no safetensors weights.")
    for needed in ("config.json", "tokenizer.json"):
        if needed not in names:
            raise UnsupportedModel(f"{where} has no {needed}.")


def inspect_config(directory: Path) -> None:
    """Raise UnsupportedModel when the model wants to bring its own code."""
    for name in ("config.json", "tokenizer_config.json"):
        path = directory / name
        if path.exists() and "auto_map" in _read_json(path):
            raise UnsupportedModel(f"The model in {directory} needs code of its own, which is never run.")


def inspect_tokenizer(directory: Path) -> FimFamily:
    """Return the family of ``tokenizer.json``; raises NoFimTokens or CorruptModel."""
    tokenizer = _read_json(directory / "tokenizer.json")
    try:
        tokens = {str(token["content"]) for token in tokenizer.get("added_tokens", ())}
        vocabulary = tokenizer["model"]["vocab"]
        if isinstance(vocabulary, dict):  # some markers are ordinary entries of the vocabulary
            tokens |= {marker for family in FAMILIES for marker in family.markers if marker in vocabulary}
    except (KeyError, TypeError) as error:
        raise CorruptModel(f"{directory / 'tokenizer.json'} is no tokenizer.") from error
    return detect_family(tokens)


def _check_length(path: Path) -> None:
    """Compare a safetensors file's length with what its header promises."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
            if header_bytes > size:
                raise ValueError("header longer than the file")
            header: dict[str, Any] = json.loads(file.read(header_bytes))
        header.pop("__metadata__", None)
        promised = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CorruptModel(f"{path} is no safetensors file.") from error
    if size != 8 + header_bytes + promised:
        raise CorruptModel(f"{path} is damaged: it does not have the length its header promises.")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptModel(f"{path} cannot be read ({error}).") from error
    if not isinstance(value, dict):
        raise CorruptModel(f"{path} does not hold a JSON object.")
    return cast("dict[str, Any]", value)
