"""What is written piece by piece is what safetensors reads."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from completion.tensor_file import TensorFile

Shapes = st.dictionaries(
    st.text("abc.", min_size=1), st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), max_size=5
)


@given(Shapes, st.integers(1, 7))
def test_safetensors_reads_what_was_written_in_pieces(tmp_path_factory, shapes, piece: int) -> None:
    path = tmp_path_factory.mktemp("tensors") / "model.safetensors"
    tensors = {
        name: np.random.default_rng(0).random(shape).astype(np.float16) for name, shape in shapes.items()
    }
    with TensorFile(path, shapes) as file:
        for values in tensors.values():
            for start in range(0, values.size, piece):
                file.write(values.reshape(-1)[start : start + piece])
    found = load_file(path)
    assert found.keys() == tensors.keys()
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


def test_a_missing_tensor_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="promised"), TensorFile(tmp_path / "m", {"a": (2, 2)}) as file:
        file.write(np.zeros((1, 2), np.float16))


def test_another_error_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(KeyError), TensorFile(tmp_path / "m", {"a": (2, 2)}):
        raise KeyError
