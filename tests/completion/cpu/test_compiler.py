"""What was compiled is used for the very sources it was compiled from."""

import shutil
import subprocess
import sys
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


_LEAVE = """
import sys, threading, time
import torch
from pathlib import Path
from completion.cpu.compiled import keep
from completion.cpu.compiler import compile_beside
from completion.cpu.layers import forward
from completion.cpu.model import _compile

keep(forward, Path(sys.argv[1]))  # nothing is kept there
began = threading.Event()

def task():
    began.set()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        torch.zeros(1)
    _compile()
    print("compiled")

threading.Thread(target=compile_beside, args=("beside", task), daemon=True).start()
began.wait()
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("after_s", [0.1, 1.5])
def test_a_process_ends_while_kernels_are_compiled(tmp_path: Path, after_s: float) -> None:
    """Python ends daemons wherever they are, and that within C++ is an abort; the engine is a daemon."""
    ended = subprocess.run(
        [sys.executable, "-c", _LEAVE, str(tmp_path), str(after_s)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
