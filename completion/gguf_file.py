"""One GGUF file, read through the ``gguf`` package: metadata as plain values, tensors as numpy rows.

Format: the GGUF specification of ggml (version 2 and 3). Nothing is executed and nothing is kept
in memory: the file is mapped, tensors are dequantised a block of rows at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, GGUFValueType
from gguf.quants import dequantize
from numpy.typing import NDArray

from completion.errors import CorruptModel, UnsupportedModel

FloatArray = NDArray[np.float32]

CONTROL_TOKEN = 3
USER_DEFINED_TOKEN = 4
"""Values of ``tokenizer.ggml.token_type``."""


@dataclass(frozen=True)
class GgufTensor:
    """A tensor in the order torch uses: rows first."""

    name: str
    shape: tuple[int, ...]
    type_name: str
    stored: Any
    """As the ``gguf`` package describes it."""

    def rows(self, rows_per_block: int) -> Iterator[FloatArray]:
        """Yield the tensor as float32, ``rows_per_block`` rows at a time; a vector at once.

        Raises UnsupportedModel for a storage type the ``gguf`` package cannot dequantise.
        """
        data = self.stored.data
        step = rows_per_block if len(self.shape) > 1 else max(1, len(data))
        for start in range(0, len(data), step):
            try:
                yield dequantize(data[start : start + step], self.stored.tensor_type)
            except (NotImplementedError, ValueError) as error:
                raise UnsupportedModel(
                    f"Tensor {self.name} is stored as {self.type_name}, which cannot be read."
                ) from error

    def equals(self, other: "GgufTensor") -> bool:
        """Whether both are stored by the same bytes in the same type."""
        return self.type_name == other.type_name and np.array_equal(self.stored.data, other.stored.data)


class GgufFile:
    """Metadata and tensors of one file. Raises CorruptModel when it is no whole GGUF file."""

    def __init__(self, path: Path) -> None:
        """Map ``path`` and parse its header."""
        self.path = path
        try:
            self._reader = GGUFReader(path)
        except (ValueError, KeyError, IndexError, UnicodeDecodeError, OverflowError, MemoryError) as error:
            raise CorruptModel(f"{path} is not a whole GGUF file ({error}).") from error
        self.tensors = {tensor.name: tensor for tensor in map(_tensor, self._reader.tensors)}

    @property
    def architecture(self) -> str:
        """``general.architecture``, such as ``qwen2``."""
        return str(self.value("general.architecture", ""))

    def value(self, key: str, default: Any = None) -> Any:
        """The metadata under ``key`` as a plain Python value, or ``default``."""
        field = self._reader.fields.get(key)
        if field is None:
            return default
        if field.types == [GGUFValueType.ARRAY, GGUFValueType.STRING]:  # quicker than contents()
            return [bytes(field.parts[index]).decode("utf-8", "replace") for index in field.data]
        return field.contents()

    def need(self, key: str) -> Any:
        """The metadata under ``key``; raises CorruptModel when it is missing."""
        value = self.value(key)
        if value is None:
            raise CorruptModel(f"{self.path} lacks the metadata {key}.")
        return value


def _tensor(tensor: Any) -> GgufTensor:
    shape = tuple(int(size) for size in reversed(tensor.shape.tolist()))
    return GgufTensor(str(tensor.name), shape, str(tensor.tensor_type.name), tensor)
