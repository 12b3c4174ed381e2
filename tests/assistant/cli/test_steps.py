"""How far loading is, on a terminal and in a log."""

import io

import pytest

from assistant.cli.steps import Steps

DETAILS = ("Loading", "Downloading (1%)", "Downloading (2%)", "Downloading (2%)", "Converting (5%)")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "written"),
    [
        (io.StringIO(), "Loading\nDownloading (1%)\nConverting (5%)\n"),
        (
            Terminal(),
            "\r\x1b[KLoading\r\x1b[KDownloading (1%)\r\x1b[KDownloading (2%)\r\x1b[KConverting (5%)\r\x1b[K",
        ),
    ],
    ids=["log", "terminal"],
)
def test_a_log_has_a_line_a_step_and_a_terminal_one_line_that_changes(stream: io.StringIO, written: str):
    steps = Steps(stream)
    for detail in DETAILS:
        steps.show(detail)
    steps.end()
    assert stream.getvalue() == written
