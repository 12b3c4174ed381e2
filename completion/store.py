"""The folder of models: who may write in it, what lies in it, how a model gets in and out.

::

    models_dir/
      NAME/                  a finished model with its manifest
      .locks/NAME.lock       held by the process that builds or removes NAME
      .downloads/NAME/       parts fetched so far, and the model under construction
      .packed/NAME/          the weights of NAME as the CPU's kernels read them
      .removed/              on its way out

A finished directory appears by one rename and is never written again.
"""

import hashlib
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from completion.disk import size_of, writing
from completion.errors import CorruptModel, ModelError
from completion.manifest import MANIFEST, check, write_manifest
from completion.progress import OnProgress, Progress, quiet

CONVERTER_VERSION = 1
"""Raised whenever a converted directory would look different; older ones are rebuilt."""

_ASK_AGAIN_S = 0.5


def models_folder(models_dir: Path | None) -> Path:
    """Return the folder of models: the one that was set, or the user's cache directory."""
    return models_dir or user_cache_path("splice", appauthor=False) / "models"


def packed_file(directory: Path, models_dir: Path | None, weights: str) -> Path:
    """Where the model's weights in that format are kept; ``directory`` may be the user's own."""
    root, whole = models_folder(models_dir), directory.resolve()
    digest = hashlib.sha256(str(whole).encode()).hexdigest()[:12]
    name = whole.name if whole.parent == root.resolve() else f"{whole.name}-{digest}"
    return root / ".packed" / name / f"{weights}.safetensors"


class ModelStore:
    """One models folder. Several processes may use it at once."""

    def __init__(self, directory: Path) -> None:
        """Take ``directory``, which need not exist yet."""
        self._root = directory

    def directory(self, key: str) -> Path:
        """Where the model ``key`` is or would be."""
        return self._root / key

    def downloads(self, key: str) -> Path:
        """Where parts of the model ``key`` are collected."""
        return self._root / ".downloads" / key

    def find(self, key: str) -> Path | None:
        """Return the whole model ``key``, None when there is none; raises CorruptModel."""
        directory = self.directory(key)
        if not directory.is_dir():
            return None
        check(directory, version=CONVERTER_VERSION)
        return directory

    def installed(self) -> Iterator[tuple[str, int, bool]]:
        """Yield key, bytes and wholeness of every model in the folder, by name."""
        for directory in sorted(self._root.iterdir()) if self._root.is_dir() else ():
            if (directory / MANIFEST).is_file() and not directory.name.startswith("."):
                try:
                    whole = self.find(directory.name) is not None
                except CorruptModel:
                    whole = False
                yield directory.name, size_of(directory), whole

    def add(self, key: str, source: str, build: Callable[[Path], None]) -> Path:
        """Let ``build`` fill an empty directory, then put it in place; what was there is replaced.

        The caller holds ``locked(key)``. When ``build`` raises, nothing changes.
        """
        building = self.downloads(key) / "building"
        with writing(self._root):
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(parents=True)
            build(building)
            write_manifest(building, model=key, source=source, version=CONVERTER_VERSION)
            self._discard(self.directory(key))
            building.rename(self.directory(key))
        self._discard(self.downloads(key))
        return self.directory(key)

    def remove(self, key: str) -> int:
        """Delete a model and whatever was downloaded for it; returns the bytes freed.

        Raises ModelError while another process works on the same model.
        """
        lock = self._lock(key)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ModelError(f"{key} is being fetched by another process right now.") from error
        try:
            with writing(self._root):
                folders = self.directory(key), self.downloads(key), self._root / ".packed" / key
                return sum(self._discard(folder) for folder in folders)
        finally:
            lock.release()

    @contextmanager
    def locked(self, key: str, progress: OnProgress = quiet) -> Generator[None]:
        """Keep other processes away from the model ``key``; waits for them, and says so."""
        lock = self._lock(key)
        while True:
            try:
                lock.acquire(timeout=_ASK_AGAIN_S)
                break
            except Timeout:
                progress(Progress("wait", 0, 0, f"Waiting for another process that is fetching {key}"))
        try:
            yield
        finally:
            lock.release()

    def _lock(self, key: str) -> FileLock:
        locks = self._root / ".locks"
        with writing(self._root):
            locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{key}.lock")

    def _discard(self, directory: Path) -> int:
        """Delete a directory as a whole: moved aside first, so that no half of it is ever found."""
        if not directory.exists():
            return 0
        freed = size_of(directory)
        aside = self._root / ".removed" / directory.name
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        directory.rename(aside)
        shutil.rmtree(aside)
        return freed
