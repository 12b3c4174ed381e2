"""``PATH:LINE:COLUMN``: what the command line calls a place in a file."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from assistant.cli.errors import BadFile, BadPlace
from assistant.textform import is_text

LINE_END = re.compile(r"\r\n|\r|\n")
LANGUAGES = (
    ("c", ".c .h"),
    ("cpp", ".cc .cpp .cxx .hh .hpp .hxx"),
    ("csharp", ".cs"),
    ("css", ".css"),
    ("go", ".go"),
    ("html", ".htm .html"),
    ("java", ".java"),
    ("javascript", ".cjs .js .mjs"),
    ("javascriptreact", ".jsx"),
    ("json", ".json"),
    ("kotlin", ".kt .kts"),
    ("lua", ".lua"),
    ("markdown", ".md"),
    ("php", ".php"),
    ("python", ".py .pyi"),
    ("ruby", ".rb"),
    ("rust", ".rs"),
    ("scala", ".scala"),
    ("shellscript", ".bash .sh .zsh"),
    ("sql", ".sql"),
    ("swift", ".swift"),
    ("toml", ".toml"),
    ("typescript", ".cts .mts .ts"),
    ("typescriptreact", ".tsx"),
    ("xml", ".xml"),
    ("yaml", ".yaml .yml"),
)
"""Language identifiers of LSP 3.18 and the endings of their files."""


@dataclass(frozen=True)
class Place:
    """A place in a file: ``line`` and ``column`` count from 1, columns in code points."""

    path: Path
    line: int
    column: int


def parse_place(argument: str) -> Place:
    """Reads ``PATH:LINE:COLUMN`` from its end, so a path may hold colons. Raises BadPlace."""
    path, _, rest = argument.rpartition(":")
    path, _, line = path.rpartition(":")
    if not (path and line.isdecimal() and rest.isdecimal()):
        raise BadPlace(f"`{argument}` is not of the form PATH:LINE:COLUMN, like `main.py:12:5`.")
    if int(line[:12]) < 1 or int(rest[:12]) < 1:
        raise BadPlace(f"Lines and columns count from 1; `{argument}` holds a 0.")
    return Place(Path(path), int(line[:12]), int(rest[:12]))


def read_text(path: Path, *, max_chars: int) -> str:
    """The file's text with its own line ends. Raises BadFile."""
    try:
        if path.stat().st_size > 4 * max_chars:
            raise BadFile(f"{path} is larger than {max_chars:,} characters.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is not a text file in UTF-8.") from error
    if not is_text(text):
        raise BadFile(f"{path} is not a text file.")
    if len(text) > max_chars:
        raise BadFile(f"{path} is larger than {max_chars:,} characters.")
    return text


def offset_of(text: str, place: Place) -> int:
    """Code points in front of the place. Raises BadPlace when the file has no such line or column."""
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    if place.line > len(starts):
        raise BadPlace(f"{place.path} has {len(starts)} lines; there is no line {place.line}.")
    start = starts[place.line - 1]
    following = LINE_END.search(text, start)
    length = (following.start() if following else len(text)) - start
    if place.column > length + 1:
        raise BadPlace(f"Line {place.line} of {place.path} ends at column {length + 1}, not {place.column}.")
    return start + place.column - 1


def language_of(path: PurePath) -> str:
    """The language identifier that the file's ending stands for; ``plaintext`` where it stands for none."""
    ending = path.suffix.lower()
    return next((name for name, endings in LANGUAGES if ending and ending in endings.split()), "plaintext")
