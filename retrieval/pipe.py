"""Values between two processes of ours: pickled, each behind its length."""

import pickle
import struct
from typing import IO, Any

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], value: object) -> None:
    """Write one value."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """One value, still pickled. Raises EOFError when there is none, or only a part of one."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("The other process has ended.")
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError("The other process has ended within a value.")
    return body


def unpickled(body: bytes) -> Any:
    """What ``receive`` gave."""
    return pickle.loads(body)  # noqa: S301 - nobody else can write into the pipe
