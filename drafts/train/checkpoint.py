"""Checkpoints of a training run: whole or not there.

A checkpoint is one file named after its step; ``checkpoint.json`` names the newest whole one with its
SHA-256, and is replaced when the file lies there. Older files go last. So a process that dies at any
moment leaves a checkpoint that can be read, and bytes that changed on the disk are noticed.
"""

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any, cast

import torch

from drafts.errors import CorruptCheckpoint

POINTER = "checkpoint.json"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write ``state``, whose ``step`` names it, as the newest checkpoint of ``folder``."""
    path = folder / f"checkpoint-{int(state['step']):08}.pt"
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    write_json(folder / POINTER, {"file": path.name, "sha256": _sha256(path)})
    for old in folder.glob("checkpoint-*"):
        if old != path:
            old.unlink()


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint, on the CPU; None where none was ever written. Raises CorruptCheckpoint."""
    pointer = folder / POINTER
    if not pointer.exists():
        return None
    try:
        said: dict[str, Any] = json.loads(pointer.read_text(encoding="utf-8"))
        path = folder / Path(str(said["file"])).name
        if _sha256(path) != said["sha256"]:
            raise CorruptCheckpoint(_sentence(folder, f"the bytes of {path.name} changed"))
        return _state(path)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, EOFError, pickle.PickleError) as error:
        raise CorruptCheckpoint(_sentence(folder, "it cannot be read")) from error


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as JSON, in one step."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def _state(path: Path) -> dict[str, Any]:
    loaded: Any = cast("Any", torch.load)(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise TypeError("no state")
    return cast("dict[str, Any]", loaded)


def _sentence(folder: Path, why: str) -> str:
    return (
        f"The checkpoint in {folder} is damaged ({why}): delete the folder and begin anew, without --resume."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
