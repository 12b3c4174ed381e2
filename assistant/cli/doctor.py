"""``splice doctor``: what is ready, what is broken, and what to do about it."""

import json
from collections.abc import Iterable
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from assistant.cli.checks import Check, Verdict, run_checks
from assistant.cli.options import ConfigOption, DeviceOption, ModelOption
from assistant.cli.running import find_server, login_link
from assistant.cli.sentences import sentences
from assistant.settings import load_settings

WIDTH = 12
STYLES = ((Verdict.OK, "green"), (Verdict.NOTE, "yellow"), (Verdict.BROKEN, "bold red"))


@sentences
def doctor(
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
    model: str | None = ModelOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
) -> None:
    """Look at everything that Splice needs: each line is ok or says what to do.

    Ends with 1 when something is broken. Prints a new login link when a server is running.
    """
    settings = load_settings({"engine.model": model, "engine.device": device}, config=config)
    checks = run_checks(settings)
    seen = print_json(checks) if as_json else print_lines(checks)
    server = find_server(settings.server.state_dir)
    if server is not None and not as_json and (link := login_link(server)):
        typer.echo(f"\nPlayground: {link}")
    if any(check.verdict is Verdict.BROKEN for check in seen):
        raise typer.Exit(1)


def print_json(checks: Iterable[Check]) -> list[Check]:
    """The report as one JSON object."""
    seen = list(checks)
    broken = any(check.verdict is Verdict.BROKEN for check in seen)
    report = {"ok": not broken, "checks": [check._asdict() for check in seen]}
    typer.echo(json.dumps(report, indent=2))
    return seen


def print_lines(checks: Iterable[Check]) -> list[Check]:
    """The report as lines, each printed as soon as it is known."""
    console = Console(highlight=False, soft_wrap=True)
    seen: list[Check] = []
    for check in checks:
        console.print(_line(check))
        seen.append(check)
    return seen


def _line(check: Check) -> Text:
    style = next(style for verdict, style in STYLES if verdict is check.verdict)
    line = Text.assemble((f"{check.verdict:<7}", style), (f"{check.name:<{WIDTH}}", "bold"), check.said)
    return line.append(f"\n{'':<7}{'':<{WIDTH}}{check.advice}", style) if check.advice else line
