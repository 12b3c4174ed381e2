"""Definitions and imports of Python and TypeScript, found by pattern.

A plain stand-in, so that the benchmark judges the rankings and not a parser.
"""

import posixpath
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

_NAME = re.compile(r"[^\W\d]\w*")
_PATTERNS = (
    ("python", r"[ \t]*(?:async\s+)?(?:def|class)\s+(\w+)|(\w+)\s*(?::[^=\n]+)?=[^=]|[ ]{4}(\w+)\s*:\s"),
    (
        "typescript",
        (
            r"(?:.*\b)?(?:function\*?|class|interface|type|enum|const|let|namespace)\s+(\w+)"
            r"|\s+(?:(?:public|private|protected|static|async|readonly|get|set)\s+)*(\w+)\??\s*[(<:=]"
        ),
    ),
)
_PYTHON_IMPORT = re.compile(
    r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.+)$|^[ \t]*import[ \t]+(.+)$", re.MULTILINE
)
_SCRIPT_IMPORT = re.compile(
    r"""(?:import|export)\s+(?:type\s+)?([^"';]*?)\s*from\s*["']([^"']+)["']|(?:import|require)\s*\(?\s*["']([^"']+)["']"""
)
_ENDINGS = ("", ".ts", ".tsx", ".d.ts", ".js", "/index.ts", "/index.tsx")


class Imported(NamedTuple):
    """A file of the repository that another imports, and the names it takes from it."""

    path: str
    names: frozenset[str]


def names_in(text: str) -> list[str]:
    """Every identifier, in order."""
    return _NAME.findall(text)


def definitions(text: str, language: str) -> Iterator[tuple[str, int]]:
    """``(name, line)`` of what looks like a definition."""
    pattern = re.compile(dict(_PATTERNS)[language])
    for number, line in enumerate(text.split("\n")):
        if match := pattern.match(line):
            yield next(name for name in match.groups() if name), number


def defined_names(text: str, language: str) -> frozenset[str]:
    """The names of ``definitions``."""
    return frozenset(name for name, _ in definitions(text, language))


def imports(text: str, path: str, files: Collection[str], language: str) -> list[Imported]:
    """What ``text``, the content of ``path``, imports from ``files``."""
    found = _python(text, path, files) if language == "python" else _script(text, path, files)
    return [one for one in found if one.path != path]


def _python(text: str, path: str, files: Collection[str]) -> Iterator[Imported]:
    package = path.split("/")[:-1]
    for dots, module, taken, whole in _PYTHON_IMPORT.findall(text):
        if whole:
            for part in whole.split(","):
                yield from _module(part.split()[0] if part.split() else "", files, frozenset())
            continue
        names = [part.split()[0] for part in taken.strip("()").split(",") if part.split()]
        base = "/".join(package[: len(package) - len(dots) + 1]) if dots else ""
        full = ".".join(part for part in (base.replace("/", "."), module) if part)
        yield from _module(full, files, frozenset(names), rooted=bool(dots))
        for name in names:
            yield from _module(f"{full}.{name}", files, frozenset([name]), rooted=bool(dots))


def _module(
    module: str, files: Collection[str], names: frozenset[str], *, rooted: bool = False
) -> Iterator[Imported]:
    place = module.replace(".", "/")
    if not place:
        return
    for file in (f"{place}.py", f"{place}/__init__.py"):
        for path in files:
            if path == file or (not rooted and path.endswith("/" + file)):
                yield Imported(path, names)


def _script(text: str, path: str, files: Collection[str]) -> Iterator[Imported]:
    for taken, module, bare in _SCRIPT_IMPORT.findall(text):
        target = module or bare
        names = frozenset(_NAME.findall(taken)) - {"type", "as"}
        target = re.sub(r"\.js$", "", target)
        if target.startswith("."):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            yield from (Imported(place + end, names) for end in _ENDINGS if place + end in files)
        elif target.startswith(("@/", "src/", "~/")):
            place = target.partition("/")[2]
            yield from (
                Imported(file, names)
                for file in files
                for end in _ENDINGS
                if file.endswith("/" + place + end)
            )
