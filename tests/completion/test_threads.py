"""Threads: physical cores, once each."""

import os
import threading
from pathlib import Path

import torch

from completion.threads import physical_cores, use_threads


def test_siblings_count_once(tmp_path: Path) -> None:
    for cpu in os.sched_getaffinity(0):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text("0-63\n")
    assert physical_cores(tmp_path) == 1


def test_without_topology_every_logical_core_counts(tmp_path: Path) -> None:
    assert physical_cores(tmp_path) == len(os.sched_getaffinity(0))


def test_the_calling_thread_uses_what_was_asked_for() -> None:
    seen: list[int] = []

    def ask() -> None:
        use_threads(1)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [1]
