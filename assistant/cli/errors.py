"""What can go wrong in a command, beside what the server and the model report.

::

    CommandError
    ├── FramingError      standard input is no LSP
    ├── BridgeError       the server refused the connection, or went away
    ├── ServerNotStarted  ``splice lsp`` could not start a server
    ├── BadPlace          ``PATH:LINE:COLUMN`` that cannot be read, or lies outside the file
    └── BadFile           a file that is missing, too large, or no text
"""

from typing import ClassVar

from assistant.errors import AssistantError


class CommandError(AssistantError):
    """Base of every error of the commands. It never reaches a client, so it has an exit code only."""

    exit_code: ClassVar[int] = 1


class FramingError(CommandError):
    """The bytes on standard input are no LSP message; the sentence says which part is wrong."""


class BridgeError(CommandError):
    """The server refused the connection, or went away."""

    exit_code = 5


class ServerNotStarted(CommandError):
    """``splice lsp`` found no running server and could not start one."""

    exit_code = 5


class BadPlace(CommandError):
    """A ``PATH:LINE:COLUMN`` that cannot be read, or lies outside the file."""

    exit_code = 2


class BadFile(CommandError):
    """A file that is missing, too large, or no text."""

    exit_code = 2
