"""Where a running server is found: ``server.json`` and ``token`` in the state directory.

Both are readable by their user only and written whole or not at all. The directory itself is locked while
a server lives, so a file left by one that was killed is recognised without trusting its process id.
"""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import msgspec

from assistant.errors import AlreadyRunning, BadSetting

SERVER_FILE, TOKEN_FILE = "server.json", "token"


class ServerRecord(msgspec.Struct, frozen=True):
    """``server.json``."""

    url: str
    pid: int
    version: str


@contextlib.contextmanager
def claim(state_dir: Path) -> Generator[None]:
    """Be the one server of ``state_dir``; on leaving, both files are gone.

    Raises ``AlreadyRunning``, naming the other's address, or ``BadSetting`` if the directory is unusable.
    """
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        sentence = f"The state directory {state_dir} cannot be used: {error.strerror}."
        raise BadSetting(sentence) from error
    try:
        _lock(handle, state_dir)
        try:
            _remove(state_dir)
            yield
        finally:
            _remove(state_dir)
    finally:
        os.close(handle)


def publish(state_dir: Path, record: ServerRecord, *, token: str) -> None:
    """Write both files; the token first, so that whoever finds the server can enter."""
    _write(state_dir / TOKEN_FILE, token + "\n")
    _write(state_dir / SERVER_FILE, json.dumps(msgspec.to_builtins(record)) + "\n")


def find_record(state_dir: Path) -> ServerRecord | None:
    """What the server of ``state_dir`` wrote about itself; None if there is nothing readable."""
    try:
        return msgspec.json.decode((state_dir / SERVER_FILE).read_bytes(), type=ServerRecord)
    except (OSError, msgspec.DecodeError):
        return None


def is_claimed(state_dir: Path) -> bool:
    """Whether a server of ``state_dir`` lives: only then is its record to be believed. Changes nothing."""
    try:
        handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        return not _try_lock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int, state_dir: Path) -> None:
    while not _try_lock(handle, fcntl.LOCK_EX):
        # A shared lock is held by whoever asks `is_claimed`, for an instant; an exclusive one by a server.
        if not _try_lock(handle, fcntl.LOCK_SH):
            record = find_record(state_dir)
            where = f"at {record.url} (process {record.pid})" if record else "and is just starting"
            raise AlreadyRunning(f"A Splice server runs already {where}. Use it, or stop it first.")


def _try_lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, content: str) -> None:
    # mkstemp creates the file readable by its user only.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove(state_dir: Path) -> None:
    for name in (SERVER_FILE, TOKEN_FILE):
        (state_dir / name).unlink(missing_ok=True)
    for pattern in (f".{SERVER_FILE}.*", f".{TOKEN_FILE}.*"):
        for left in state_dir.glob(pattern):
            left.unlink(missing_ok=True)
