"""How many threads the engine computes with."""

import os
from pathlib import Path

import torch

_TOPOLOGY = Path("/sys/devices/system/cpu")


def physical_cores(topology: Path = _TOPOLOGY) -> int:
    """Physical cores this process may use; logical ones where the system does not say."""
    allowed = os.sched_getaffinity(0)
    try:
        siblings = {(topology / f"cpu{cpu}/topology/thread_siblings_list").read_text() for cpu in allowed}
    except OSError:
        return len(allowed)
    return len(siblings)


def use_threads(wanted: int | None) -> int:
    """Let the calling thread compute with ``wanted`` threads (None: the physical cores)."""
    count = wanted or physical_cores()
    torch.set_num_threads(count)
    return count
