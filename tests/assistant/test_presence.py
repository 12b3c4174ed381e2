"""The two files of a running server: private, whole, never stale, never two."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from assistant.errors import AlreadyRunning, BadSetting
from assistant.presence import ServerRecord, claim, find_record, is_claimed, publish

RECORD = ServerRecord("http://127.0.0.1:1", 42, "0.1.0")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_both_files_are_private_and_gone_afterwards(tmp_path):
    state = tmp_path / "a" / "state"
    with claim(state):
        publish(state, RECORD, token="secret")
        assert (state / "token").read_text() == "secret\n"
        assert json.loads((state / "server.json").read_text()) == {
            "url": "http://127.0.0.1:1",
            "pid": 42,
            "version": "0.1.0",
        }
        assert find_record(state) == RECORD
        assert [mode(state / name) for name in ("token", "server.json")] == [0o600, 0o600]
        assert mode(state) == 0o700
    assert list(state.iterdir()) == []


def test_the_umask_does_not_open_the_files(tmp_path):
    before = os.umask(0)
    try:
        publish(tmp_path, RECORD, token="secret")
    finally:
        os.umask(before)
    assert mode(tmp_path / "token") == 0o600


def test_a_second_server_is_told_where_the_first_one_is(tmp_path):
    with claim(tmp_path):
        publish(tmp_path, RECORD, token="secret")
        with pytest.raises(AlreadyRunning, match=r"at http://127\.0\.0\.1:1 \(process 42\)"), claim(tmp_path):
            pass
        assert find_record(tmp_path) == RECORD


def test_a_second_server_during_the_start_of_the_first(tmp_path):
    with (
        claim(tmp_path),
        pytest.raises(AlreadyRunning, match="just starting"),
        claim(tmp_path),
    ):
        pass


def test_what_a_killed_server_left_is_replaced(tmp_path):
    code = (
        "import sys, pathlib; from assistant.presence import *\n"
        "d = pathlib.Path(sys.argv[1])\n"
        "with claim(d):\n"
        "    publish(d, ServerRecord('http://x', 1, '0'), token='old')\n"
        "    (d / '.token.leftover').write_text('old')\n"
        "    print('ready', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
    assert (tmp_path / "token").exists()
    with claim(tmp_path):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url": 1}', b"\xff"])
def test_an_unreadable_record_is_none(tmp_path, content):
    (tmp_path / "server.json").write_bytes(content)
    assert find_record(tmp_path) is None


def test_an_unusable_directory_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="file/state cannot be used"), claim(tmp_path / "file" / "state"):
        pass


def test_a_write_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "token").mkdir()
    with pytest.raises(OSError, match="directory"):
        publish(tmp_path, RECORD, token="secret")
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_a_directory_is_claimed_while_its_server_lives(tmp_path):
    assert not is_claimed(tmp_path / "none")
    assert not is_claimed(tmp_path)
    with claim(tmp_path):
        assert is_claimed(tmp_path)
    assert not is_claimed(tmp_path)


def test_whoever_looks_does_not_keep_a_server_from_starting(tmp_path):
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            is_claimed(tmp_path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(200):
            with claim(tmp_path):
                pass
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()
