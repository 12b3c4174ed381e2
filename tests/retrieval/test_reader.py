"""A process that reads for another one."""

import subprocess
import sys
from pathlib import Path

from retrieval.pipe import receive, send, unpickled
from retrieval.readers import read_here
from retrieval.scan import Scanner
from tests.retrieval.repositories import config_in, make_repository

ROOT = Path(__file__).parents[2]


def test_it_reads_what_is_read_here_and_ends_with_its_input(tmp_path: Path):
    scanner = Scanner(make_repository(tmp_path / "shop"), config_in(tmp_path))
    items = list(scanner.everything().files.items())
    command = [sys.executable, "-m", "retrieval.reader"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        send(process.stdin, (scanner.root, scanner.config))
        for _ in range(2):
            send(process.stdin, items)
            assert unpickled(receive(process.stdout)) == read_here(scanner, items)
        process.stdin.close()
        assert process.wait(30) == 0


def test_reading_imports_no_database():
    code = "import sys, retrieval.reader; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sqlalchemy", "faiss", "numpy", "torch"}.isdisjoint(run.stdout.split())
