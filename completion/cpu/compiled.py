"""Keeps compiled kernels on disk, where Numba would fail or do harm.

Numba's own cache raises when its files are damaged or the disk is full, falls back to a folder beside the
sources, and believes whatever bytes it finds. Here such a kernel is compiled anew, and a checksum
stands behind each file.
"""

# pyright: basic

import hashlib
import logging
import os
import pickle
import shutil
import time
from pathlib import Path
from typing import Any

from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    UserProvidedCacheLocator,
)

_log = logging.getLogger(__name__)

_DAYS_KEPT = 14


def keep(function: Any, folder: Path) -> None:
    """Keep what is compiled of ``function``, a dispatcher of Numba's, in ``folder`` if that is possible."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            remove_old(folder.parent)
        os.utime(folder)
        function._cache = _Cache(function.py_func, folder)  # noqa: SLF001 # as its enable_caching() does
    except (OSError, RuntimeError) as error:
        _log.warning("Compiled kernels cannot be kept (%s): every start compiles them anew.", error)


def remove_old(root: Path) -> None:
    """Remove the folders in ``root`` whose kernels no start has used for a while: sources that are gone.

    Younger ones may be another version's, which runs right now.
    """
    for folder in root.iterdir():
        try:
            if time.time() - folder.stat().st_mtime > _DAYS_KEPT * 86_400:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process was quicker


class _Locator(UserProvidedCacheLocator):
    """Names the folder, and no other."""

    def __init__(self, function: Any, folder: Path) -> None:
        self._py_file = function.__code__.co_filename
        self._lineno = function.__code__.co_firstlineno
        self._cache_path = str(folder)


class _Files(CompileResultCacheImpl):
    def __init__(self, function: Any, folder: Path) -> None:
        self._locator = _Locator(function, folder)
        self._locator.ensure_cache_path()
        self._filename_base = self.get_filename_base(function.__qualname__, "")


class _Checked(IndexDataCacheFile):
    """A file's checksum stands behind its bytes."""

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(content + hashlib.sha256(content).digest())

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(content[:-32]).digest() != content[-32:]:
            raise ValueError("its bytes are not those that were written")
        return pickle.loads(content[:-32])  # noqa: S301 # the user's own cache, as Numba's


class _Cache(FunctionCache):
    """Numba's cache of a function; an error is the same as nothing kept."""

    def __init__(self, function: Any, folder: Path) -> None:
        self._name, self._py_func = repr(function), function
        self._impl = _Files(function, folder)
        self._cache_path = str(folder)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _Checked(self._cache_path, self._impl.filename_base, stamp)
        self.enable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for these types, or None."""
        try:
            found = super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 # pickle raises whatever the bytes say
            _log.warning(
                "The compiled kernels in %s are damaged (%s): compiling anew.", self._cache_path, error
            )
            self._forget()
            return None
        # Two processes that save at once may leave an index that names the other one's file.
        return found if found is None or tuple(found.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled."""
        try:
            super().save_overload(sig, data)
        except (OSError, EOFError, ValueError) as error:
            _log.warning("Compiled kernels cannot be kept (%s): every start compiles them anew.", error)

    def _forget(self) -> None:
        for file in Path(self._cache_path).glob(f"{self._impl.filename_base}*"):
            file.unlink(missing_ok=True)
