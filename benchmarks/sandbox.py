"""Judges untrusted Python programs in a subprocess that may do next to nothing.

What holds: resource limits of the kernel (processor time, memory, file size, no further
process), another user when we are root, network and process namespaces where ``unshare`` may
make them, Python audit hooks besides, an empty working directory, a time limit by the clock.
A program passes when it runs to its end: leaving early is failing.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
_SPACES = (
    ("unshare", "--net", "--pid", "--fork", "--kill-child=KILL"),
    ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child=KILL"),
    (),
)
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
_READER = tuple(f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set"))
_USERS = ((*_NOBODY, "--bounding-set=-all"), (*_NOBODY, *_READER), ())
"""Root steps down to nobody, who may still read files where Python itself lies in root's home."""
_PROBE = (
    sys.executable,
    "-I",
    "-c",
    f"import math, socket, sys; assert sys.base_prefix == {sys.base_prefix!r}",
)
_SHOWN_CHARS = 300


@dataclass(frozen=True)
class Verdict:
    """``reason`` is ``passed``, ``timeout``, or the last line of what the program said."""

    passed: bool
    reason: str


@dataclass(frozen=True)
class Limits:
    """What a program may use at most."""

    seconds: float = 10.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20

    def of_kernel(self) -> dict[str, int]:
        """Names of ``resource`` and their values."""
        return {
            "RLIMIT_CPU": max(1, round(self.seconds)),
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 32,
            "RLIMIT_NPROC": 0,
        }


class Sandbox:
    """Runs programs one at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Finds out what this machine grants."""
        self._limits = limits or Limits()
        users = _USERS if os.geteuid() == 0 else ((),)
        self._spaces = next(space for space in _SPACES if not space or _works([*space, "true"]))
        self._user = next(user for user in users if _works([*self._spaces, *user, *_PROBE]))

    @property
    def isolation(self) -> str:
        """What the sandbox is made of here, in words."""
        spaces = "own network and process namespace" if self._spaces else "sockets blocked in Python alone"
        user = "user nobody" if self._user else "the same user"
        return f"subprocess with kernel limits, {user}, {spaces}"

    def run(self, program: str, *, guard: Path = _GUARD) -> Verdict:
        """Judge a program. Leaves no file and no process behind."""
        token = secrets.token_hex(16)
        task = {"program": program, "token": token, "limits": self._limits.of_kernel()}
        with tempfile.TemporaryDirectory(prefix="splice-sandbox-") as folder:
            Path(folder).chmod(0o777)
            with (Path(folder) / "stderr").open("w+b") as said:
                output = self._execute(json.dumps(task).encode(), folder, said.fileno(), guard)
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").splitlines()
        if output is None:
            return Verdict(passed=False, reason="timeout")
        if output == token.encode():
            return Verdict(passed=True, reason="passed")
        return Verdict(passed=False, reason=lines[-1][:_SHOWN_CHARS] if lines else "ended early")

    def _execute(self, task: bytes, folder: str, stderr: int, guard: Path) -> bytes | None:
        """What the guard answers; None when the time is over."""
        process = subprocess.Popen(
            [*self._spaces, *self._user, sys.executable, "-I", str(guard)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            return process.communicate(task, timeout=self._limits.seconds)[0]
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
