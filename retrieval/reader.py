"""``python -m retrieval.reader``: a process that reads files for another one, batch by batch.

It ends when its standard input does, so with whoever started it. It imports no more than reading takes.
"""

import gc
import signal
import sys

from retrieval.pipe import receive, send, unpickled
from retrieval.readers import read_here
from retrieval.scan import Scanner


def main() -> None:
    """Take root and settings, then answer every batch of ``(path, OnDisk)`` with its ``ReadFile`` values."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    gc.disable()  # what is read has no cycles
    asked, said = sys.stdin.buffer, sys.stdout.buffer
    try:
        scanner = Scanner(*unpickled(receive(asked)))
        while True:
            send(said, read_here(scanner, unpickled(receive(asked))))
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
