"""Tells how far something is: on a terminal in one line that changes, elsewhere in one line a step."""

from typing import TextIO

CLEAR = "\r\x1b[K"


class Steps:
    """The steps of one piece of work, written to ``stream``; nothing else may write there meanwhile."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told = ""

    def show(self, detail: str) -> None:
        """``detail`` names the step and ends with its share in parentheses, if it has a measure."""
        if self._stream.isatty():
            self._write(f"{CLEAR}{detail}" if detail != self._told else "")
        elif _step(detail) != _step(self._told):
            self._write(f"{detail}\n")
        self._told = detail

    def end(self) -> None:
        """Makes room for what comes next."""
        if self._stream.isatty():
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _step(detail: str) -> str:
    return detail.partition(" (")[0]
