"""Which folder a file belongs to."""

import tempfile
from pathlib import Path

_MARKS = (
    ".git", ".hg", ".svn", "pyproject.toml", "setup.py", "package.json", "go.mod", "Cargo.toml", "pom.xml",
    "build.gradle", "CMakeLists.txt", "Gemfile", "composer.json", "Package.swift", "build.sbt",
)  # fmt: skip
"""What lies at the top of a repository; the version control's folder decides before the others."""
_VERSIONED = _MARKS[:3]


def repository_of(file: Path) -> Path:
    """The repository that a file belongs to, by what lies at its top; without one its own folder."""
    above = [folder for folder in file.absolute().parents if not _is_wide(folder)]
    for marks in (_VERSIONED, _MARKS):
        for folder in above:
            if any((folder / mark).exists() for mark in marks):
                return folder
    return file.absolute().parent


def is_repository(folder: Path) -> bool:
    """Whether it looks like one, and so may be indexed unasked."""
    return not _is_wide(folder) and any((folder / mark).exists() for mark in _MARKS)


def _is_wide(folder: Path) -> bool:
    """Whether it holds far more than one repository: the home folder, what is above it, the temporary one."""
    home = Path.home()
    return folder in {home, *home.parents, Path(tempfile.gettempdir())}
