"""How much memory is free, how much of it the caches may take, and giving back what is not needed.

A container's limit counts where it leaves less than the machine has.
"""

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path

import torch

LEAST_CACHE = 256 << 20
MOST_CACHE = 4 << 30
MOST_CACHE_GPU = 16 << 30
_UNTOLD_CACHE = 1 << 30
"""Bytes for the caches where the system does not tell what is free."""

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def cache_budget(free: int | None, device: str) -> int:
    """Bytes for all caches on a ``device`` ("cpu" or "cuda"): a quarter of the ``free`` ones, within bounds.

    At least ``LEAST_CACHE``, for a prompt or two; at most ``MOST_CACHE`` or ``MOST_CACHE_GPU``, behind which
    more places of more documents are kept than anybody comes back to.
    """
    wanted = _UNTOLD_CACHE if free is None else free // 4
    return min(max(wanted, LEAST_CACHE), MOST_CACHE_GPU if device == "cuda" else MOST_CACHE)


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on the device, at this moment; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_memory()


def available_memory(
    meminfo: Path = _MEMINFO, own_groups: Path = _OWN_GROUPS, groups: Path = _GROUPS
) -> int | None:
    """Bytes this process may still take without anything being swapped; None where no file tells.

    What the kernel estimates (``MemAvailable``), or what the control groups of this process (version 2 or
    1) leave of their limits, whichever is less. Reads files only.
    """
    told = [_labelled(meminfo, "MemAvailable:"), *_left_in_groups(own_groups, groups)]
    return min((free for free in told if free is not None), default=None)


def give_back(device: torch.device) -> None:
    """Return to the system what was dropped: Python's cycles, torch's reserve on a GPU, malloc's heap."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, others do not
    if trim is not None:
        trim(0)


def _left_in_groups(own_groups: Path, groups: Path) -> Iterator[int]:
    """What each group of this process, and each one above it, leaves of its limit, in bytes."""
    for line in _lines(own_groups):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _left(groups, path, ("memory.max", "memory.current", "inactive_file"))
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            yield from _left(groups / "memory", path, names)


def _left(root: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    """``path`` may lead nowhere inside a container, where ``root`` itself is the container's group."""
    own = root / path.strip("/")
    for directory in (own, *own.parents):
        limit, used = (_number(directory / name) for name in names[:2])
        if limit is not None and used is not None:
            reclaimable = _labelled(directory / "memory.stat", names[2], unit=1) or 0
            yield max(0, limit - used + reclaimable)
        if directory == root:
            return


def _number(path: Path) -> int | None:
    """The number in a file; None where there is none, as in ``max``, which is no limit."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _labelled(path: Path, label: str, unit: int = 1024) -> int | None:
    """The number behind ``label`` in a file of such lines, in bytes of ``unit``."""
    fields = (line.split() for line in _lines(path))
    return next((int(field[1]) * unit for field in fields if len(field) > 1 and field[0] == label), None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
