"""Room on the disk: asked for before a large write, and a clear sentence when it runs out anyway."""

import errno
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from completion.errors import DiskFull, DownloadError

FreeBytes = Callable[[Path], int]

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_MARGIN = 64 << 20


def free_bytes(directory: Path) -> int:
    """Bytes this user may still write in ``directory``, which exists."""
    return shutil.disk_usage(directory).free


def need_room(directory: Path, size: int, free: FreeBytes = free_bytes) -> None:
    """Raise DiskFull unless ``size`` bytes and a margin fit into ``directory``."""
    available = free(directory)
    if available < size + _MARGIN:
        raise DiskFull(
            f"{directory} needs {_gigabytes(size + _MARGIN)} of free disk space"
            f" and has {_gigabytes(available)}."
        )


@contextmanager
def writing(directory: Path) -> Generator[None]:
    """Turn what the system says about writing in ``directory`` into DiskFull or DownloadError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFull(f"The disk of {directory} is full.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EIO):
            raise DownloadError(f"{directory} cannot be written ({error.strerror}).") from error
        raise


def size_of(directory: Path) -> int:
    """Bytes of all files below ``directory``; files and folders that vanish meanwhile count as nothing."""
    total = 0
    for folder, _, names in os.walk(directory):  # it passes over a folder that is gone
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
