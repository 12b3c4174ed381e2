"""Which licence a source file has, and whether one may learn from it. Pure but for the reading.

Evidence in this order: the file's own SPDX header; the nearest licence file above it; the metadata of
the installed package that lists it (PyPA core metadata, ``RECORD``). Texts are told by phrases that no
other licence has; copyleft is looked for first, so that a mixture counts as the stricter.
"""

import re
from collections.abc import Iterator
from pathlib import Path

PERMISSIVE = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "MIT",
        "MIT-0", "MIT-CMU", "NCSA", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""SPDX ids of licences that ask for a notice at most."""
UNKNOWN = "unknown"

_HEADER = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+\-() \t]+)")
_HEADER_CHARS = 4_000
_NAMES = re.compile(r"(LICEN[CS]E|COPYING|UNLICENSE)([.\-_].*)?", re.IGNORECASE)
_WORD = re.compile(r"\(|\)|[A-Za-z0-9.+\-]+")
_PHRASES = (
    ("AGPL-3.0", "gnu affero general public license"),
    ("LGPL", "gnu lesser general public license"),
    ("GPL", "gnu general public license"),
    ("MPL-2.0", "mozilla public license"),
    ("EPL-2.0", "eclipse public license"),
    ("CC-BY", "creative commons attribution"),
    ("SSPL-1.0", "server side public license"),
    ("BUSL-1.1", "business source license"),
    ("Apache-2.0", "apache license version 2.0"),
    ("PSF-2.0", "python software foundation license version 2"),
    ("BSL-1.0", "boost software license"),
    ("CC0-1.0", "cc0 1.0 universal"),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
    ("MIT", "permission is hereby granted free of charge to any person obtaining a copy"),
    ("BSD-3-Clause", "neither the name"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms"),
    ("ISC", "permission to use copy modify and/or distribute this software for any purpose"),
    ("ISC", "permission to use copy modify and distribute this software for any purpose"),
    ("Zlib", "altered source versions must be plainly marked as such"),
)
_CLASSIFIERS = (
    ("Apache Software License", "Apache-2.0"),
    ("BSD License", "BSD-3-Clause"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
)
_PLAIN_NAMES = (
    ("apache", "Apache-2.0"), ("apache 2.0", "Apache-2.0"), ("apache-2.0", "Apache-2.0"),
    ("apache software", "Apache-2.0"), ("apache software 2.0", "Apache-2.0"), ("bsd", "BSD-3-Clause"),
    ("bsd 3-clause", "BSD-3-Clause"), ("bsd-3-clause", "BSD-3-Clause"), ("isc", "ISC"), ("mit", "MIT"),
    ("psf-2.0", "PSF-2.0"),
)  # fmt: skip
"""What people write, in lower case, without the words of ``_FILLING``."""
_FILLING = re.compile(r"\b(the|licen[sc]ed?|version)\b|,")
_SAYS_NOTHING = frozenset({"OSI Approved", "DFSG approved"})


def header_of(text: str) -> str | None:
    """The SPDX expression a file begins with, if any (SPDX 2.3, annex E)."""
    found = _HEADER.search(text[:_HEADER_CHARS])
    return found[1].strip() if found else None


def licence_of_text(text: str) -> str:
    """The SPDX id of a licence's text; ``UNKNOWN`` when no phrase of it is known."""
    flat = " ".join(re.sub(r"[^\w/.\s]|(?<=\s)\.", " ", text.lower()).split())
    flat = flat.replace("apache license 2.0", "apache license version 2.0")
    return next((name for name, phrase in _PHRASES if phrase in flat), UNKNOWN)


def licence_of_metadata(text: str) -> str:
    """The licence that a package's METADATA names, as an SPDX expression; else ``UNKNOWN``."""
    head = text.partition("\n\n")[0]
    fields = [line.partition(":") for line in head.splitlines()]
    for key, _, value in fields:
        if key == "License-Expression":
            return value.strip()
    named = {
        " ".join(_FILLING.sub(" ", value.lower()).split()) for key, _, value in fields if key == "License"
    }
    classes = {
        value.rpartition("::")[2].strip()
        for key, _, value in fields
        if key == "Classifier" and value.strip().startswith("License ::")
    }
    found = {spdx for name, spdx in _PLAIN_NAMES if name in named}
    found |= {spdx for name, spdx in _CLASSIFIERS if name in classes}
    known = {name for name, _ in _CLASSIFIERS} | _SAYS_NOTHING
    return " AND ".join(sorted(found)) if found and classes <= known else UNKNOWN


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression can be met with ``allowed`` licences alone; what is no expression cannot.

    ``OR`` leaves the choice, ``AND`` does not; an exception (``WITH``) only ever permits more.
    """
    words = _WORD.findall(expression)
    try:
        met, rest = _either(words, allowed)
    except IndexError:
        return False
    return met and not rest


def _either(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    met, words = _both(words, allowed)
    while words and words[0].upper() == "OR":
        other, words = _both(words[1:], allowed)
        met = met or other
    return met, words


def _both(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    met, words = _one(words, allowed)
    while words and words[0].upper() == "AND":
        other, words = _one(words[1:], allowed)
        met = met and other
    return met, words


def _one(words: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    if words[0] == "(":
        met, rest = _either(words[1:], allowed)
        return met, rest[1:] if rest[0] == ")" else ["unclosed"]
    rest = words[1:]
    if rest and rest[0].upper() == "WITH":
        rest = rest[2:]
    return words[0] in allowed, rest


class Licences:
    """The licences of the files below one folder. Remembers what it read of each folder."""

    def __init__(self, root: Path) -> None:
        """``root`` is the folder that was named.

        What lies above it counts up to the top of its git repository, or of the packages installed there.
        """
        self._top = next((folder for folder in (root, *root.parents) if _is_top(folder)), root)
        self._of_folder: dict[Path, str | None] = {}
        self._installed: dict[Path, dict[str, str]] = {}

    def of(self, path: Path, text: str) -> str:
        """The SPDX expression for a file with this text, or ``UNKNOWN``."""
        if header := header_of(text):
            return header
        for folder in path.parents:
            installed = self._packages(folder)
            if installed:  # an environment: a licence file beside packages is some package's own
                return installed.get(path.relative_to(folder).as_posix(), UNKNOWN)
            if found := self._licence_in(folder):
                return found
            if folder == self._top:
                break
        return UNKNOWN

    def _licence_in(self, folder: Path) -> str | None:
        if folder not in self._of_folder:
            texts = [_read(path) for path in sorted(folder.iterdir()) if _is_licence(path)]
            found = [licence_of_text(text) for text in texts]
            self._of_folder[folder] = " AND ".join(dict.fromkeys(found)) or None
        return self._of_folder[folder]

    def _packages(self, folder: Path) -> dict[str, str]:
        """Licence by path, of the packages installed in ``folder``."""
        if folder not in self._installed:
            self._installed[folder] = dict(_installed(folder))
        return self._installed[folder]


def _installed(folder: Path) -> Iterator[tuple[str, str]]:
    for info in sorted(folder.glob("*.dist-info")):
        licence = licence_of_metadata(_read(info / "METADATA"))
        for line in _read(info / "RECORD").splitlines():
            yield line.partition(",")[0].strip('"'), licence


def _is_top(folder: Path) -> bool:
    return (folder / ".git").exists() or any(folder.glob("*.dist-info"))


def _is_licence(path: Path) -> bool:
    return bool(_NAMES.fullmatch(path.name)) and path.suffix not in {".py", ".js"} and path.is_file()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
