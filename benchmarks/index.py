"""Index a folder: files a second, memory, a refresh after 10 files were touched, and searching 50,000 pieces.

Works on a copy of the first ``--limit`` files that are indexed, without embeddings.
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from retrieval.config import RetrievalConfig
from retrieval.index import RepositoryIndex
from retrieval.walk import walk

_TOUCHED = 10
_SEARCHES = 200
_MS = 1_000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder", type=Path, required=True, help="whose files are indexed, such as site-packages"
    )
    parser.add_argument("--limit", type=int, default=5_000, help="files at most")


def run(options: argparse.Namespace) -> int:
    begun = _megabytes(resource.RUSAGE_SELF)
    with tempfile.TemporaryDirectory(prefix="splice-index-") as scratch:
        root = Path(scratch, "root")
        _copy(options.folder, root, options.limit)
        config = RetrievalConfig(index_dir=Path(scratch, "index"))
        index = RepositoryIndex(root, config)
        report = index.refresh()
        status = index.status()
        print(f"files {status.files:,}, pieces {status.chunks:,}, definitions {status.definitions:,}")
        print(f"first index: {report.seconds:.1f} s, {report.read / report.seconds:,.0f} files/s")
        print(f"left out: {dict(report.left_out)}")
        print(
            f"memory at most: {_megabytes(resource.RUSAGE_SELF):,.0f} MB, {begun:,.0f} MB of it what the"
            f" benchmarks import; a reader {_megabytes(resource.RUSAGE_CHILDREN):,.0f} MB"
        )
        size = sum(file.stat().st_size for file in index.folder.iterdir())
        print(f"on disk: {size / 2**20:,.0f} MB of {_bytes(root) / 2**20:,.0f} MB of text")
        print(f"refresh, nothing changed: {_timed(index.refresh):.2f} s")
        touched = sorted(root.rglob("*.py"))[:: max(1, status.files // 20)][:_TOUCHED]
        for file in touched:
            file.write_text(
                file.read_text("utf-8", "replace") + "\n\ndef touched_by_the_benchmark():\n    pass\n"
            )
        print(f"refresh, {len(touched)} files touched: {_timed(index.refresh):.2f} s")
        for file in touched:
            file.write_text(file.read_text("utf-8") + "\n")
        print(f"touch of the same files: {_timed(lambda: index.touch(touched)):.2f} s")
        _search(index)
        index.close()
    return 0


def _copy(folder: Path, root: Path, limit: int) -> None:
    for path in walk(folder).paths[:limit]:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, target)


def _megabytes(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def _bytes(root: Path) -> int:
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file())


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _search(index: RepositoryIndex) -> None:
    """Words as a person types them, code as an editor has it, and names."""
    names = [hit.definition.name for hit in index.symbols("", _SEARCHES)]
    codes = [index.chunks(hit.path)[0].chunk.text[:600] for hit in index.symbols("", _SEARCHES)]
    words = [f"where is the {name.replace('_', ' ')} of a request checked" for name in names]
    for kind, queries in (("words", words), ("code", codes), ("names", names)):
        times = sorted(_timed(lambda query=query: index.search(query)) * _MS for query in queries)
        _tell(f"search by {kind}", times)
    times = sorted(_timed(lambda name=name: index.symbols(name[:4])) * _MS for name in names)
    _tell("symbols", times)
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)


def _tell(what: str, times: list[float]) -> None:
    """Of sorted milliseconds."""
    print(f"{what}: p50 {statistics.median(times):.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms")
