"""Float products equal NumPy's, on every kind of processor that can be tried here."""

from typing import Any

import numpy as np
import pytest

from completion.cpu.compiler import kernel
from completion.cpu.floats import float_dot
from completion.cpu.target import Target
from tests.completion.cpu.calling import from_python
from tests.completion.cpu.targets import runnable

STEPS = 11


def caller(target: Target, rows: int, columns: int, *, add: bool) -> Any:
    dot: Any = float_dot(target, rows, columns, add=add)

    def call(panel, x, out):
        dot(
            panel.ctypes.data, panel.strides[0], x.ctypes.data, x.strides[0], panel.shape[0],
            out.ctypes.data, out.strides[0],
        )  # fmt: skip

    return from_python(kernel(call))


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(1, 16), (2, 64), (3, 16), (6, 64)])
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_a_panel_is_numpys_product(target: Target, rows: int, columns: int, *, add: bool) -> None:
    """Panel, rows and result are parts of wider arrays: what lies beside them stays as it is."""
    random = np.random.default_rng(rows)
    panel = random.standard_normal((STEPS, columns + 3)).astype(np.float32)
    x = random.standard_normal((rows, STEPS + 2)).astype(np.float32)
    out = np.ones((rows, columns + 5), np.float32)

    caller(target, rows, columns, add=add)(panel[:, :columns], x, out[:, :columns])

    assert np.allclose(out[:, :columns], x[:, :STEPS] @ panel[:, :columns] + add, atol=1e-5)
    assert (out[:, columns:] == 1).all()
