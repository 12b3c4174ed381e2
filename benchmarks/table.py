"""One table on the terminal, the same figures as JSON."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 140
"""Of a table that is not shown on a terminal."""

Cell = str | int | float | None
Row = Mapping[str, Cell]


def _load_average() -> str:
    return "Load of the machine in the last 1, 5 and 15 minutes: {:.1f}, {:.1f}, {:.1f}.".format(
        *os.getloadavg()
    )


@dataclass(frozen=True)
class Report:
    """What a benchmark found. Rows may lack columns; ``notes`` say how it was measured."""

    benchmark: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    load: str = field(default_factory=_load_average)
    """How busy the machine was when the report was made."""

    def columns(self) -> list[str]:
        """Every key of the rows, in order of appearance."""
        return list(dict.fromkeys(key for row in self.rows for key in row))

    def as_json(self) -> dict[str, object]:
        """``benchmark, commit, machine, rows, notes``."""
        return {
            "benchmark": self.benchmark,
            "commit": commit(),
            "machine": machine(),
            "rows": [dict(row) for row in self.rows],
            "notes": [*self.notes, self.load],
        }

    def show(self, console: Console | None = None) -> None:
        """Print the table and the notes."""
        console = console or Console()
        if not console.is_terminal:
            console = Console(file=console.file, width=max(_FILE_WIDTH, console.width))
        table = Table(title=f"{self.benchmark} · {commit()} · {machine()}", title_justify="left")
        for column in self.columns():
            number = self._is_number(column)
            table.add_column(column, justify="right" if number else "left", no_wrap=not number)
        for row in self.rows:
            table.add_row(*(_shown(row.get(column)) for column in self.columns()))
        console.print(table)
        for note in [*self.notes, self.load]:
            console.print(note, markup=False, highlight=False)

    def write(self, file: Path | None) -> None:
        """Print, and write the JSON to ``file`` unless it is None."""
        self.show()
        if file is not None:
            file.write_text(json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")

    def _is_number(self, column: str) -> bool:
        return not any(isinstance(row.get(column), str) for row in self.rows)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.1f}" if abs(cell) < 1_000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def commit() -> str:
    """The commit that is measured, with ``+`` when files differ from it."""
    folder = Path(__file__).parent
    try:
        name = _git(folder, "rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """Processor, cores this process may use, and what of it matters to arithmetic."""
    flags = _cpu("flags").split()
    extras = [name for name, flag in _FLAGS.items() if flag in flags]
    return ", ".join(
        [_cpu("model name") or platform.machine(), f"{len(os.sched_getaffinity(0))} cores", *extras]
    )


_FLAGS = {"AVX-512 VNNI": "avx512_vnni", "AVX-512 BF16": "avx512_bf16", "AMX": "amx_tile"}


def _cpu(field: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")
