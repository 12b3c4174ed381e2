"""Writes the pages of ``docs/`` that follow from the code: ``python docs/generate.py`` (or ``make docs``).

``tests/test_docs.py`` compares them with what lies there, so what is undocumented is red.
"""

import ast
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import typer

from assistant import errors
from assistant.cli import errors as cli_errors
from assistant.cli.app import make_app
from assistant.lsp import messages
from assistant.settings import Settings, describe_settings

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by `make docs` from the code; edit the code instead. -->"
START, END = "<!-- generated: messages -->", "<!-- end of generated -->"
SOURCES = (
    "Four sources, each over the one before: the defaults; the settings file (TOML, "
    "`~/.config/splice/settings.toml` or what `--config` or `SPLICE_CONFIG` names); the environment; the "
    "command line. A key that nobody knows stops the start with its name."
)
EXAMPLE = """```toml
[engine]
model = "qwen2.5-coder-1.5b"

[server]
port = 7433
```"""
EXIT_CODES = (
    "Every error is one sentence that says what to do. Exit codes: 0 all well, 1 anything else, 2 asked for "
    "wrongly, 3 the model, 4 the network or the disk, 5 the server, 70 a bug of ours, 130 Ctrl-C."
)
SECTIONS = tuple(get_type_hints(Settings).items())
"""Every section of the settings file and its dataclass."""


def pages() -> dict[Path, str]:
    """Every page that is written here, with its text."""
    protocol = DOCS / "protocol.md"
    return {
        DOCS / "settings.md": settings_page(),
        DOCS / "commands.md": commands_page(),
        DOCS / "errors.md": errors_page(),
        protocol: with_messages(protocol.read_text("utf-8")),
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [tuple(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    rule = tuple("---" for _ in lines[0])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


# Settings


def settings_page() -> str:
    """``settings.md``."""
    parts = ["# Settings", NOTICE, SOURCES, EXAMPLE]
    for section, cls in SECTIONS:
        parts += [f"## [{section}]", settings_table(section, cls)]
    return "\n\n".join(parts) + "\n"


def settings_table(section: str, cls: type) -> str:
    """The settings of one section, with the words of the dataclass."""
    notes = field_notes(cls)
    infos = [info for info in describe_settings() if info.key.startswith(section + ".")]
    rows = [
        (
            f"`{info.key}`",
            f"`{info.env}`",
            f"`{info.type}`",
            shown(info.default),
            notes.get(info.key.partition(".")[2], ""),
        )
        for info in infos
    ]
    return table(("key", "variable", "type", "default", ""), rows)


def field_notes(cls: type) -> dict[str, str]:
    """The string under each field of a dataclass."""
    (declared,) = (node for node in ast.parse(inspect.getsource(cls)).body if isinstance(node, ast.ClassDef))
    notes: dict[str, str] = {}
    for field, note in itertools.pairwise(declared.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match note:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    notes[field.target.id] = one_line(text)
                case _:
                    continue
    return notes


def shown(value: object) -> str:
    """A default as it is written in the page; a path of this user's is written for any user."""
    if value is None:
        return "not set"
    if isinstance(value, Path):
        return "`~/.local/state/splice`"
    return f"`{value}`"


# Commands


def commands_page() -> str:
    """``commands.md``."""
    parts = ["# Commands", NOTICE]
    root: Any = typer.main.get_command(make_app())
    for name, command in root.commands.items():
        parts += command_parts(f"splice {name}", command)
    return "\n\n".join(parts) + "\n"


def command_parts(name: str, command: Any) -> Iterator[str]:
    """A command and its own commands."""
    parameters = [parameter for parameter in command.params if parameter.name != "help"]
    yield f"## `{' '.join([name, *usage(parameters)])}`"
    yield command.help.strip()
    if parameters:
        yield table(
            ("parameter", ""), ((f"`{label(item)}`", one_line(item.help or "")) for item in parameters)
        )
    for inner, below in getattr(command, "commands", {}).items():
        yield from command_parts(f"{name} {inner}", below)


def usage(parameters: Iterable[Any]) -> Iterator[str]:
    """The arguments of a command's usage line."""
    return (label(item) for item in parameters if item.param_type_name == "argument")


def label(parameter: Any) -> str:
    """An argument's placeholder, or an option's names."""
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper()
    return ", ".join(parameter.opts)


# Errors


def errors_page() -> str:
    """``errors.md``."""
    parts = ["# Errors", NOTICE, EXIT_CODES]
    rows = (
        (f"`{cls.__name__}`", str(codes.rpc), str(codes.http), str(codes.exit), first_line(cls))
        for cls, codes in errors.codes_by_error().items()
    )
    parts += ["## Of the server and the model", table(("error", "JSON-RPC", "HTTP", "exit", ""), rows)]
    commands = [cls for _, cls in inspect.getmembers(cli_errors, inspect.isclass) if is_command_error(cls)]
    rows = ((f"`{cls.__name__}`", str(cls.exit_code), first_line(cls)) for cls in commands)
    parts += ["## Of the commands alone", table(("error", "exit", ""), rows)]
    return "\n\n".join(parts) + "\n"


def is_command_error(cls: type) -> bool:
    """Whether the error leaves by an exit code only."""
    return issubclass(cls, cli_errors.CommandError)


# Messages


def with_messages(page: str) -> str:
    """The page with its generated part written anew."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{messages_table()}\n\n{END}{after}"


def messages_table() -> str:
    """The methods that clients may send, read from the server's own registration."""
    rows = (
        (f"`{method}`", kind, parameters, first_line(getattr(messages, parameters)))
        for method, kind, parameters in methods()
    )
    return table(("method", "kind", "parameters", ""), rows)


def methods() -> Iterator[tuple[str, str, str]]:
    """Method, request or notification, and the class of its parameters."""
    from lsprotocol import types as lsp

    from assistant.lsp.server import EditorServer

    for call in calls_of(EditorServer, "_register"):
        kind = call.func.attr.strip("_") if isinstance(call.func, ast.Attribute) else ""
        method, parameters = call.args[0], call.args[1]
        name = (
            method.value
            if isinstance(method, ast.Constant)
            else getattr(lsp, ast.unparse(method).partition(".")[2])
        )
        yield str(name), kind, ast.unparse(parameters).rpartition(".")[2]


def calls_of(cls: type, function: str) -> Iterator[ast.Call]:
    """The calls that a method's body makes, in order."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(getattr(cls, function))))):
        if isinstance(node, ast.Call):
            yield node


# Words


def one_line(text: str) -> str:
    """The text with its line ends as spaces; reST's double backquotes as Markdown's."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()


def first_line(cls: type) -> str:
    """The first sentence of a class's docstring."""
    return one_line((cls.__doc__ or "").partition("\n\n")[0])


def main() -> None:
    """Write what differs, and name it."""
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"written: {path.name}\n")


if __name__ == "__main__":
    main()
