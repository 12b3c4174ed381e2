"""Keeps packed weights on disk, so that the next start reads them as they are.

One safetensors file: the arrays of :class:`Weights`, and in its metadata what they were made from
and a checksum of each. A file that is damaged, or was made from something else, counts as none.
"""

import json
import os
import zlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from completion.cpu.layers import Matrix, Weights
from completion.errors import CorruptModel

FORMAT = 1
"""Raised whenever the order of the numbers changes."""

_SIZES = "sizes"


def source_of(directory: Path) -> str:
    """What tells one model's files from another's: names, sizes and times of change."""
    files = [directory / "config.json", *sorted(directory.glob("*.safetensors"))]
    stats = [(path.name, path.stat()) for path in files if path.is_file()]
    return json.dumps([FORMAT, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)])


def write(path: Path, weights: Weights, source: str) -> None:
    """Write ``weights``, made from ``source``, in one step: ``path`` is whole or not there."""
    save = cast("Any", safetensors.numpy).save_file
    arrays = _arrays(weights)
    widths = {name: [part.groups, part.width] for name, part in _matrices(weights).items()}
    sums = {name: _sum(array) for name, array in arrays.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.part")
    try:
        save(arrays, beside, {"source": source, _SIZES: json.dumps(widths), "sums": json.dumps(sums)})
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path, source: str) -> Weights | None:
    """The weights made from ``source``; None when there are none. Raises CorruptModel for a damaged file."""
    if not path.is_file():
        return None
    try:
        opened: Any = safe_open(path, "np")  # partly untyped
        with opened as file:
            told: dict[str, str] = file.metadata() or {}
            if told.get("source") != source:
                return None
            arrays: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 # not a dict
            return _weights(arrays, json.loads(told[_SIZES]), json.loads(told["sums"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptModel(f"{path} is damaged ({error}).") from error


def _weights(arrays: dict[str, Any], widths: dict[str, Any], sums: dict[str, int]) -> Weights:
    for name, array in arrays.items():
        if _sum(array) != sums[name]:
            raise ValueError(f"{name} has other bytes than were written")
    fields: dict[str, Any] = {}
    for name in Weights._fields:
        if name in widths:
            fields[name] = Matrix(arrays[f"{name}.panels"], arrays[f"{name}.bias"], *widths[name])
        elif name != "head":
            fields[name] = arrays[name]
    fields.setdefault("head", fields["embedding"])
    return Weights(**fields)


def _matrices(weights: Weights) -> dict[str, Matrix]:
    """The matrices by name; a head that is the embedding is left out."""
    found = {name: part for name, part in weights._asdict().items() if isinstance(part, Matrix)}
    if weights.head is weights.embedding:
        del found["head"]
    return found


def _arrays(weights: Weights) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        name: part for name, part in weights._asdict().items() if isinstance(part, np.ndarray)
    }
    for name, part in _matrices(weights).items():
        arrays[f"{name}.panels"], arrays[f"{name}.bias"] = part.panels, part.bias
    return arrays


def _sum(array: Any) -> int:
    return zlib.crc32(cast("Any", np.ascontiguousarray(array).reshape(-1).view(np.uint8)))
