"""Writing a safetensors file piece by piece, so that a model never lies in memory as a whole.

Format: eight bytes of header length (little endian), a JSON header with name, type, shape and byte
range of every tensor, then the bytes in that order.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

_ITEM_BYTES = 2  # float16


class TensorFile:
    """A float16 safetensors file under construction: ``shapes`` first, then ``write`` in that order."""

    def __init__(self, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Create ``path`` and write its header."""
        self._expected = sum(map(math.prod, shapes.values())) * _ITEM_BYTES
        self._written = 0
        self._file = path.open("wb")
        self._file.write(_header(shapes))

    def write(self, values: NDArray[np.float16]) -> None:
        """Append the next values, in C order."""
        self._written += self._file.write(np.ascontiguousarray(values).data.cast("B"))

    def __enter__(self) -> Self:
        """Return the file itself; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; raises ValueError when a tensor is missing, unless another error is on its way."""
        self._file.close()
        if error is None and self._written != self._expected:
            raise ValueError(f"{self._written} bytes of tensors were written, {self._expected} promised.")


def _header(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in shapes.items():
        end = offset + math.prod(shape) * _ITEM_BYTES
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of eight
    return len(text).to_bytes(8, "little") + text
