"""What was compiled is used for the very sources it was compiled from."""

import shutil
from pathlib import Path

import pytest

from completion.cpu import compiler
from completion.cpu.compiler import kernel, kernels_dir
from tests.completion.cpu.calling import from_python


def test_other_sources_have_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = kernels_dir()
    assert here == kernels_dir()
    sources = shutil.copytree(Path(compiler.__file__).parent, tmp_path / "cpu")
    monkeypatch.setattr(compiler, "_HERE", sources)
    assert kernels_dir() == here
    (sources / "product.py").write_text("# other\n")
    assert kernels_dir() != here


def test_a_kernel_calls_another() -> None:
    twice = kernel(lambda x: 2 * x)
    assert from_python(twice)(21) == 42
