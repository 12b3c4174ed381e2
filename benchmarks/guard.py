"""Runs one untrusted program; started by ``benchmarks/sandbox.py`` as ``python -I guard.py``.

Reads a JSON object from stdin: ``program``, ``token``, ``limits``. Gives up its rights, then
executes the program, and writes the token to stdout if it ran to its end.
"""

import json
import os
import resource
import sys
from pathlib import Path

_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "ctypes.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "os.kill",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.chflags",
    "os.chdir",
    "os.mkdir",
    "os.utime",
    "os.setxattr",
    "os.removexattr",
    "os.putenv",
    "resource.",
    "sqlite3.",
    "syslog.",
    "shutil.",
    "signal.pthread_kill",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def _limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _forbid(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"{event} is not allowed here.")
    if event == "open":
        path, _, flags = arguments
        if not isinstance(flags, int) or flags & _WRITING:
            _stay_here(path)
        elif isinstance(path, str | bytes) and Path(os.fsdecode(path)).is_dir():
            raise PermissionError("Opening a directory is not allowed here: what follows could be anywhere.")


def _stay_here(path: object) -> None:
    here = os.path.realpath(".")
    target = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
    if os.path.commonpath([here, target or "/"]) != here:
        raise PermissionError("Writing outside of the working directory is not allowed here.")


def main() -> None:
    """Read the task, give up rights, run."""
    task = json.load(sys.stdin)
    answer = os.dup(1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    code = compile(task["program"], "program.py", "exec")
    _limit(task["limits"])
    sys.addaudithook(_forbid)
    exec(code, {"__name__": "__main__"})
    os.write(answer, task["token"].encode())


if __name__ == "__main__":
    main()
