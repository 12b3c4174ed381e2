"""``python -m benchmarks NAME [options]``."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks import (
    branches,
    drafts,
    drift,
    edits,
    engine,
    fim,
    gpu,
    index,
    keystrokes,
    load,
    quality,
    retrieval,
    summaries,
)

_BENCHMARKS = {
    "keystrokes": keystrokes,
    "edits": edits,
    "drift": drift,
    "fim": fim,
    "engine": engine,
    "gpu": gpu,
    "load": load,
    "quality": quality,
    "drafts": drafts,
    "index": index,
    "retrieval": retrieval,
    "branches": branches,
    "summaries": summaries,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that is named; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the running product.")
    names = parser.add_subparsers(dest="name", required=True)
    for name, benchmark in _BENCHMARKS.items():
        about = str(benchmark.__doc__)
        benchmark.add_options(names.add_parser(name, help=about.partition("\n")[0], description=about))
    options = parser.parse_args(arguments)
    return _BENCHMARKS[options.name].run(options)


if __name__ == "__main__":
    sys.exit(main())
