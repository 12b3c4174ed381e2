"""What is free, by the machine and by its groups, and what part of it the caches get."""

import gc
import weakref
from pathlib import Path

import pytest
import torch

from completion.memory import available_memory, cache_budget, free_memory, give_back

MIB, GIB = 1 << 20, 1 << 30
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("free", "device", "budget"),
    [
        (8 * GIB, "cpu", 2 * GIB),
        (8 * GIB, "cuda", 2 * GIB),
        (64 * GIB, "cpu", 4 * GIB),
        (64 * GIB, "cuda", 16 * GIB),
        (80 * GIB, "cuda", 16 * GIB),
        (100 * MIB, "cpu", 256 * MIB),
        (0, "cuda", 256 * MIB),
        (None, "cpu", GIB),
    ],
)
def test_the_caches_get_a_quarter_of_what_is_free_within_bounds(
    free: int | None, device: str, budget: int
) -> None:
    assert cache_budget(free, device) == budget


class Machine:
    """The files that a kernel shows, in a directory."""

    def __init__(self, root: Path) -> None:
        self.meminfo, self.own, self.groups = root / "meminfo", root / "own", root / "groups"
        self.meminfo.write_text(f"MemTotal: 9999999 kB\nMemAvailable:  {4 * MIB} kB\n")

    def group(self, path: str, **files: object) -> None:
        directory = self.groups / path
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (directory / name.replace("__", ".")).write_text(f"{content}\n")

    def available(self) -> int | None:
        return available_memory(self.meminfo, self.own, self.groups)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_groups_the_kernels_estimate_counts(machine: Machine) -> None:
    assert machine.available() == 4 * GIB


def test_where_nothing_is_told_nothing_is_guessed(machine: Machine) -> None:
    machine.meminfo.write_text("MemTotal: 9999999 kB\n")
    assert machine.available() is None
    machine.meminfo.unlink()
    assert machine.available() is None


def test_a_limit_of_the_group_or_of_one_above_it_counts(machine: Machine) -> None:
    machine.own.write_text("0::/user/app\n")
    machine.group("user/app", memory__max="max", memory__current=GIB)
    assert machine.available() == 4 * GIB
    stat = f"anon 5\ninactive_file {GIB}"
    machine.group("user", memory__max=3 * GIB, memory__current=2 * GIB, memory__stat=stat)
    assert machine.available() == 2 * GIB
    machine.group("user/app", memory__max=2 * GIB)
    assert machine.available() == GIB


def test_a_limit_of_the_first_version_counts(machine: Machine) -> None:
    machine.own.write_text("5:devices:/x\n4:cpu,memory:/pod\n0::/\n")
    machine.group(
        "memory/pod",
        memory__limit_in_bytes=2 * GIB,
        memory__usage_in_bytes=GIB,
        memory__stat=f"inactive_file 7\ntotal_inactive_file {256 * MIB}",
    )
    assert machine.available() == GIB + 256 * MIB


def test_a_container_sees_its_own_group_as_the_root(machine: Machine) -> None:
    machine.own.write_text("0::/not/seen/from/here\n")
    machine.group(".", memory__max=2 * GIB, memory__current=3 * GIB)
    assert machine.available() == 0


def test_this_machine_tells() -> None:
    assert 0 < (free_memory(CPU) or 0) < 1 << 50
    if torch.cuda.is_available():
        assert 0 < (free_memory(torch.device("cuda")) or 0) < 1 << 50


def test_what_is_dropped_in_a_cycle_is_given_back() -> None:
    class Node:
        """Holds itself."""

    node = Node()
    vars(node).update(tensor=torch.zeros(1 << 20), itself=node)
    held = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert held() is not None
        give_back(CPU)
        assert held() is None
    finally:
        gc.enable()
