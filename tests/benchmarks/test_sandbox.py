"""Programs that misbehave, and what becomes of them."""

from pathlib import Path

import pytest

from benchmarks.sandbox import Limits, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(Limits(seconds=3.0, memory_bytes=256 << 20))


@pytest.mark.parametrize(
    "program",
    [
        "assert 1 + 1 == 2",
        "import math, re, typing, collections, hashlib",
        "open('a', 'w').write('x')",
        "import os\nos.write(os.open('a', os.O_WRONLY | os.O_CREAT), b'x')",
        "import os\nos.read(os.open('/etc/passwd', os.O_RDONLY), 9)",
        "import os\nassert os.listdir('/')",
        "print(1)",
    ],
)
def test_honest_programs_pass(sandbox: Sandbox, program: str) -> None:
    verdict = sandbox.run(program)
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("assert False, 'wrong'", "wrong"),
        ("x =", "SyntaxError"),
        ("while True: pass", "timeout"),
        ("import time\ntime.sleep(60)", "timeout"),
        ("x = bytearray(1 << 30)", "MemoryError"),
        ("x = []\nwhile True: x.append(' ' * 1000000)", "MemoryError"),
        ("import os\nwhile True: os.fork()", "PermissionError"),
        ("import threading\nwhile True: threading.Thread(target=input).start()", "can't start new thread"),
        ("import subprocess\nsubprocess.run(['true'])", "PermissionError"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 1))", "PermissionError"),
        ("open('/tmp/splice-sandbox-escape', 'w')", "PermissionError"),
        ("import os\nos.remove('/etc/hostname')", "PermissionError"),
        ("import ctypes\nctypes.CDLL(None)", "PermissionError"),
        ("open('a', 'w').write('x' * (2 << 20))", "File too large"),
        ("raise SystemExit(0)", "ended early"),
        ("import os\nos._exit(0)", "ended early"),
    ],
)
def test_others_fail(sandbox: Sandbox, program: str, reason: str) -> None:
    verdict = sandbox.run(program)
    assert not verdict.passed
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "flags", ["O_WRONLY", "O_RDWR", "O_RDONLY | os.O_CREAT", "O_WRONLY | os.O_TRUNC", "O_RDONLY | os.O_TRUNC"]
)
def test_writing_elsewhere_by_descriptor_is_refused(sandbox: Sandbox, flags: str) -> None:
    verdict = sandbox.run(f"import os\nos.open('/tmp/splice-sandbox-escape', os.{flags})")
    assert "outside of the working directory" in verdict.reason


@pytest.mark.parametrize(
    "call",
    [
        "os.mkdir('a')",
        "os.utime('a')",
        "os.setxattr('a', 'user.b', b'')",
        "os.removexattr('a', 'user.b')",
        "os.chdir('/tmp')",
        "__import__('sqlite3').connect('/tmp/splice-sandbox-escape')",
        "os.open('/tmp', os.O_RDONLY)",
        "__import__('resource').setrlimit(0, (1, 1))",
    ],
)
def test_other_ways_out_are_refused(sandbox: Sandbox, call: str) -> None:
    """A directory's descriptor or another working directory would let relative paths lead elsewhere."""
    verdict = sandbox.run(f"import os\nopen('a', 'w').close()\n{call}")
    assert "not allowed here" in verdict.reason


def test_the_kernel_forbids_processes_even_without_the_hooks(tmp_path: Path) -> None:
    """The hooks are for clear sentences; the limits hold by themselves."""
    guard = (Path(__file__).parents[2] / "benchmarks" / "guard.py").read_text("utf-8")
    bare = Sandbox(Limits(seconds=3.0, memory_bytes=256 << 20))
    copy = tmp_path / "guard.py"
    copy.write_text(guard.replace("    sys.addaudithook(_forbid)\n", ""), "utf-8")
    tmp_path.chmod(0o755)
    verdict = bare.run("import os\nos.fork()", guard=copy)
    assert "BlockingIOError" in verdict.reason


def test_what_it_is_made_of_is_told(sandbox: Sandbox) -> None:
    assert "kernel limits" in sandbox.isolation
