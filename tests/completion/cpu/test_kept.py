"""Packed weights come back from the disk as they were, or not at all."""

import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from completion.cpu import kept
from completion.cpu.layers import Matrix, Weights
from completion.cpu.weights import pack_model
from completion.errors import CorruptModel
from tests.completion.cpu.models import CONFIGS, make


def packed(name: str = "qwen2") -> Weights:
    return pack_model(make(CONFIGS[name]))


def same(left: Any, right: Any) -> bool:
    """Whether two weights have equal bytes and numbers."""
    if isinstance(left, Matrix):
        pairs = [(left.panels, right.panels), (left.bias, right.bias)]
        return left[2:] == right[2:] and all(np.array_equal(*pair) for pair in pairs)
    return np.array_equal(left, right)


@pytest.mark.parametrize("name", ["qwen2", "llama with biases"])
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    """With a head of its own, whose embedding is mapped, and without."""
    weights, path = packed(name), tmp_path / "deep" / "int8.safetensors"
    kept.write(path, weights, "here")
    again = kept.read(path, "here")
    assert again is not None
    assert all(same(*pair) for pair in zip(weights, again, strict=True))
    assert (again.head is again.embedding) == (weights.head is weights.embedding)
    assert all(array.flags.writeable for array in (again.embedding.panels, again.qkv.panels))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_and_something_else_are_none(tmp_path: Path) -> None:
    path = tmp_path / "int8.safetensors"
    assert kept.read(path, "here") is None
    kept.write(path, packed(), "here")
    assert kept.read(path, "there") is None


@pytest.mark.parametrize("name", ["qwen2", "llama with biases"])
@pytest.mark.parametrize("part", [0.2, 0.3, 0.5, 0.7, 0.999])
def test_any_byte_that_changed_is_found(tmp_path: Path, name: str, part: float) -> None:
    path = tmp_path / "int8.safetensors"
    kept.write(path, packed(name), "here")
    content = bytearray(path.read_bytes())
    content[int(part * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(CorruptModel, match="is damaged"):
        kept.read(path, "here")


@pytest.mark.parametrize("length", [0, 5, 1_000, -1])
def test_a_file_that_ends_early_is_damaged(tmp_path: Path, length: int) -> None:
    path = tmp_path / "int8.safetensors"
    kept.write(path, packed(), "here")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptModel, match="damaged"):
        kept.read(path, "here")


def test_the_source_is_the_files_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"12")
    before = kept.source_of(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert kept.source_of(tmp_path) == before
    os.utime(weights, ns=(1, 1))
    assert kept.source_of(tmp_path) != before


def test_no_byte_of_the_header_makes_other_weights(tmp_path: Path) -> None:
    """What is said of the arrays is believed by kernels that check no bounds."""
    path, weights = tmp_path / "int8.safetensors", packed("llama with biases")
    kept.write(path, weights, "here")
    content = path.read_bytes()
    length = 8 + int.from_bytes(content[:8], "little")
    whole = 0
    for at in random.Random(0).sample(range(length), 200):
        for bit in (1, 2, 16):
            path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
            try:
                read = kept.read(path, "here")
            except CorruptModel:
                continue
            if read is not None:
                whole += 1
                assert all(same(*pair) for pair in zip(weights, read, strict=True))
    assert whole < 100


def test_what_was_never_finished_is_swept_away(tmp_path: Path) -> None:
    path, old, young = (tmp_path / name for name in ("int8.safetensors", "int8.1.part", "int8.2.part"))
    for part in (old, young):
        part.write_bytes(b"x")
    os.utime(old, (1, time.time() - 7200))
    kept.write(path, packed(), "here")
    assert {file.name for file in tmp_path.iterdir()} == {path.name, young.name}
