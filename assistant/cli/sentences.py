"""How a command ends when something goes wrong: one sentence on standard error and an exit code."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from assistant.cli.errors import CommandError
from assistant.errors import AssistantError, report
from completion.errors import CompletionError
from drafts.errors import DraftError
from kvcache.errors import CacheError
from retrieval.errors import RetrievalError

P = ParamSpec("P")
INTERRUPTED = 130
"""What shells say for a command that Ctrl-C ended."""


def say(sentence: str) -> None:
    """Tell the person at the terminal; standard output stays for the result."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints


def exit_code(error: Exception) -> int:
    """The exit code of an error of ours."""
    return error.exit_code if isinstance(error, CommandError) else report(error).codes.exit


def sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Turns every error of ours that leaves ``command`` into its sentence and exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (AssistantError, CompletionError, DraftError, CacheError, RetrievalError) as error:
            say(f"splice: {error}")
            raise typer.Exit(exit_code(error)) from error

    return run
