"""Whether this machine has what the GPU's tests and benchmark need, and how quickly it copies."""

import shutil
import time

import torch

_COPIED = 1 << 30
_COPIES = 10


def why_no_gpu() -> str:
    """Why nothing can run on an NVIDIA GPU here, as a sentence; empty where it can."""
    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        driver = " though there is an NVIDIA driver" if shutil.which("nvidia-smi") else ""
        return f"torch {torch.__version__} is a build without CUDA{driver}."
    return f"torch {torch.__version__} finds no CUDA device."


def copy_bandwidth(device: torch.device, size: int = _COPIED) -> float:
    """Bytes a second that ``device`` reads and writes in copying ``size`` bytes: the best of a few copies."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = min(_timed_copy(source, target) for _ in range(_COPIES))
    return 2 * size / best


def _timed_copy(source: torch.Tensor, target: torch.Tensor) -> float:
    wait(source.device)
    started = time.perf_counter()
    target.copy_(source)
    wait(source.device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Return when all that was queued on ``device`` is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
