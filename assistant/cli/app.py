"""The commands of ``splice``. Nothing here imports torch: help must be quick."""

from importlib.metadata import version

import typer

from assistant.cli.complete import complete
from assistant.cli.doctor import doctor
from assistant.cli.drafts import drafts_app
from assistant.cli.index import index
from assistant.cli.lsp import lsp
from assistant.cli.models import models_app
from assistant.cli.search import search
from assistant.cli.serve import serve
from assistant.cli.summarize import summarize


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"splice {version('splice-assistant')}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version.", is_eager=True, callback=_show_version
    ),
) -> None:
    """Code completion on your own machine."""


def make_app() -> typer.Typer:
    """Every command of ``splice``."""
    commands = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    commands.callback()(_root)
    commands.command()(serve)
    commands.command()(lsp)
    commands.command()(complete)
    commands.command()(index)
    commands.command()(search)
    commands.command()(summarize)
    commands.command()(doctor)
    commands.add_typer(models_app, name="models")
    commands.add_typer(drafts_app, name="drafts")
    return commands


app = make_app()
