"""What a directory of ours was made from, and whether it is still whole.

The check is meant for every start, so it is quick: the sizes of all files, and a digest of samples
(small files whole, large ones sixteen blocks spread evenly, first and last included).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from completion.errors import CorruptModel

MANIFEST = "splice-manifest.json"

_SAMPLES = 16
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Manifest:
    """The record beside a converted or downloaded model."""

    model: str
    source: str
    """``sha256:…`` of the GGUF file, or ``repository@commit``."""
    version: int
    """``CONVERTER_VERSION`` of who wrote the directory."""
    sizes: dict[str, int]
    samples: str
    """SHA-256 over the samples of all files."""


def write_manifest(directory: Path, *, model: str, source: str, version: int) -> Manifest:
    """Describe the finished ``directory`` in it. Writes one file."""
    sizes = {
        path.relative_to(directory).as_posix(): path.stat().st_size
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    manifest = Manifest(model, source, version, sizes, _digest(directory, sizes))
    (directory / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def check(directory: Path, *, version: int) -> Manifest:
    """Return the manifest of a whole directory. Changes nothing.

    Raises CorruptModel when a file is missing, has another size or other bytes, or when the
    directory was written by another version.
    """
    manifest = _read(directory)
    if manifest.version != version:
        raise CorruptModel(f"The model in {directory} was converted by another version of Splice.")
    for name, size in manifest.sizes.items():
        path = directory / name
        if not path.is_file():
            raise CorruptModel(f"The model in {directory} is damaged: {name} is missing.")
        if path.stat().st_size != size:
            raise CorruptModel(f"The model in {directory} is damaged: {name} has the wrong size.")
    if _digest(directory, manifest.sizes) != manifest.samples:
        raise CorruptModel(f"The model in {directory} is damaged: its files were changed.")
    return manifest


def _read(directory: Path) -> Manifest:
    try:
        fields: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        fields["sizes"] = {str(name): int(size) for name, size in fields["sizes"].items()}
        return Manifest(**fields)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise CorruptModel(f"The model in {directory} is damaged: it has no readable manifest.") from error


def _digest(directory: Path, sizes: dict[str, int]) -> str:
    digest = hashlib.sha256()
    for name, size in sorted(sizes.items()):
        digest.update(name.encode())
        with (directory / name).open("rb") as file:
            for offset in _offsets(size):
                file.seek(offset)
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _offsets(size: int) -> list[int]:
    last = size - _SAMPLE_BYTES
    if last <= (_SAMPLES - 1) * _SAMPLE_BYTES:
        return list(range(0, max(size, 1), _SAMPLE_BYTES))
    return [last * index // (_SAMPLES - 1) for index in range(_SAMPLES)]
