"""Keeps packed weights on disk, so that the next start reads them as they are.

One safetensors file: the arrays of :class:`Weights`, and in its metadata what they were made from
and a checksum of each. A file that is damaged, or was made from something else, counts as none.
"""

import json
import mmap
import os
import time
import zlib
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from completion.cpu.layers import Matrix, Weights
from completion.errors import CorruptModel

FORMAT = 3
"""Raised whenever the order of the numbers, or what is said of them, changes."""

_SIZES = "sizes"
_RARELY_READ = "embedding.panels"
"""Some rows a token, where the head has a matrix of its own; read as a whole where it is the head, too."""

_PIECE = 1 << 22
_LEFT_BEHIND_S = 3600
"""A file this old beside the whole one is what a process that was ended has left."""


def source_of(directory: Path) -> str:
    """What tells one model's files from another's: names, sizes and times of change."""
    files = [directory / "config.json", *sorted(directory.glob("*.safetensors"))]
    stats = [(path.name, path.stat()) for path in files if path.is_file()]
    return json.dumps([FORMAT, *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)])


def write(path: Path, weights: Weights, source: str) -> None:
    """Write ``weights``, made from ``source``, in one step: ``path`` is whole or not there."""
    save = cast("Any", safetensors.numpy).save_file
    arrays = _arrays(weights)
    widths = {name: [part.groups, part.width, part.block] for name, part in _matrices(weights).items()}
    sums = {name: _sum(array) for name, array in arrays.items()}
    sums[_SIZES] = _sum_of_sizes(widths, {name: list(array.shape) for name, array in arrays.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
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
        opened: Any = safe_open(path, "np")  # looks at the header and the length; reads nothing
        with opened as file:
            told: dict[str, str] = file.metadata() or {}
        if told.get("source") != source:
            return None
        sums, widths = json.loads(told["sums"]), json.loads(told[_SIZES])
        arrays = _loaded(path, sums)
        if _sum_of_sizes(widths, {name: list(array.shape) for name, array in arrays.items()}) != sums[_SIZES]:
            raise ValueError("it has other sizes than were written")
        return _weights(arrays, widths)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptModel(f"{path} is damaged ({error}).") from error


def _loaded(path: Path, sums: dict[str, int]) -> dict[str, Any]:
    """The arrays of a file that safetensors has opened, read once and into their place.

    The library's own way maps the file and copies, which takes twice the memory for a while.
    """
    arrays: dict[str, Any] = {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        for name, told in header.items():
            if name != "__metadata__":
                read = _mapped if name == _RARELY_READ and "head.panels" in header else _copied
                start, stop = (8 + length + offset for offset in told["data_offsets"])
                array, total = read(file, start, stop)
                if total != sums[name]:
                    raise ValueError(f"{name} has other bytes than were written")
                arrays[name] = array.view(np.float32 if told["dtype"] == "F32" else np.uint8).reshape(
                    told["shape"]
                )
    return arrays


def _copied(file: BufferedReader, start: int, stop: int) -> tuple[Any, int]:
    """The bytes and their checksum."""
    array = np.empty(stop - start, np.uint8)
    file.seek(start)
    if file.readinto(cast("Any", array)) != array.nbytes:
        raise ValueError("it ends early")
    return array, _sum(array)


def _mapped(file: BufferedReader, start: int, stop: int) -> tuple[Any, int]:
    """As :func:`_copied`, but only what is read of it is in memory, and the system may take that back."""
    file.seek(start)
    total = 0
    for at in range(start, stop, _PIECE):
        total = zlib.crc32(file.read(min(_PIECE, stop - at)), total)
    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return np.frombuffer(whole, np.uint8, count=stop - start, offset=start), total


def _weights(arrays: dict[str, Any], widths: dict[str, Any]) -> Weights:
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


def _sweep(folder: Path) -> None:
    """Remove what was never finished: each is as large as a model."""
    for part in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _LEFT_BEHIND_S:
                part.unlink()


def _sum_of_sizes(widths: dict[str, Any], shapes: dict[str, list[int]]) -> int:
    """A checksum of what the kernels believe unseen: they look at no bounds."""
    return zlib.crc32(json.dumps([widths, shapes], sort_keys=True).encode())


def _sum(array: Any) -> int:
    return zlib.crc32(cast("Any", np.ascontiguousarray(array).reshape(-1).view(np.uint8)))
