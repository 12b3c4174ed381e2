"""Errors of ours leave as one sentence and an exit code; bugs keep their traceback."""

import pytest
import typer

from assistant.cli.errors import BadPlace, BridgeError, CommandError
from assistant.cli.sentences import INTERRUPTED, exit_code, sentences
from assistant.errors import PortInUse, UnknownSetting
from completion.errors import NetworkUnavailable, UnknownModel

ERRORS = [
    (BadPlace("x"), 2),
    (BridgeError("x"), 5),
    (CommandError("x"), 1),
    (PortInUse("x"), 5),
    (UnknownSetting("x"), 2),
    (UnknownModel("x"), 2),
    (NetworkUnavailable("x"), 4),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_errors_become_a_sentence_and_a_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]):
    @sentences
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == code == exit_code(error)
    assert capsys.readouterr() == ("", "splice: x\n")


def test_ctrl_c_is_no_error(capsys: pytest.CaptureFixture[str]):
    @sentences
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_not_hidden():
    @sentences
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()
