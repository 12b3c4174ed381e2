"""A hub repository that nobody knows by name: looked at first, then fetched."""

import hashlib
import os
from pathlib import Path

import pytest

from completion.convert import convert
from completion.errors import DiskFull, HashMismatch, NoFimTokens, UnsupportedModel
from completion.fetch import Reach
from completion.progress import Progress, quiet
from completion.snapshot import fetch_gguf, fetch_snapshot
from tests.completion.model_files import serve_hub, write_gguf


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    directory = tmp_path / "model"
    directory.mkdir()
    convert(write_gguf(tmp_path / "m.gguf"), directory)
    return {path.name: path.read_bytes() for path in directory.iterdir()} | {
        "README.md": b"x",
        "run.py": b"x",
    }


def test_weights_and_tokenizer_are_fetched_and_nothing_else(tmp_path: Path, files: dict[str, bytes]) -> None:
    steps: list[Progress] = []
    with serve_hub(files) as hub:
        reach = Reach(hub_endpoint=hub.address)
        snapshot = fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=steps.append)
    assert snapshot.source == "org/tiny@" + "c" * 40
    assert {path.name: path.read_bytes() for path in snapshot.files} == {
        name: data for name, data in files.items() if name not in ("README.md", "run.py")
    }
    assert steps[-1].done == steps[-1].total == len(files["model.safetensors"])
    assert list(dict.fromkeys(step.stage for step in steps)) == ["download", "verify"]


def test_weights_that_are_not_the_listed_ones_are_refused_and_fetched_again(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    whole = files["model.safetensors"]
    with serve_hub(files) as hub:
        reach = Reach(hub_endpoint=hub.address)
        hub.files["model.safetensors"] = whole[:-1] + bytes([whole[-1] ^ 1])
        with pytest.raises(HashMismatch, match=r"model\.safetensors of org/tiny .*wrong SHA-256"):
            fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)
        assert not list((tmp_path / "d").rglob("*.safetensors"))
        hub.files["model.safetensors"] = whole
        snapshot = fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)
    assert {path.name: path.read_bytes() for path in snapshot.files}["model.safetensors"] == whole


def test_weights_that_changed_on_the_disk_between_two_attempts_are_noticed(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    with serve_hub(files) as hub:
        reach = Reach(hub_endpoint=hub.address)
        fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)
        weights = tmp_path / "d" / "hub" / "model.safetensors"
        weights.write_bytes(b"other")
        os.utime(weights, (0, 0))  # the client would notice a newer file itself
        with pytest.raises(HashMismatch):
            fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)


def test_a_gguf_file_is_checked_too(tmp_path: Path) -> None:
    with serve_hub({"m.gguf": b"12345"}) as hub:
        hub.files = {"m.gguf": b"12346"}
        with pytest.raises(HashMismatch, match=r"m\.gguf of org/tiny"):
            fetch_gguf(
                "org/tiny", "m.gguf", tmp_path / "d", reach=Reach(hub_endpoint=hub.address), progress=quiet
            )


def test_a_model_without_fim_tokens_costs_no_weights(tmp_path: Path, files: dict[str, bytes]) -> None:
    files["tokenizer.json"] = b'{"added_tokens": [], "model": {"vocab": {}}}'
    with serve_hub(files) as hub, pytest.raises(NoFimTokens):
        fetch_snapshot("org/tiny", tmp_path / "d", reach=Reach(hub_endpoint=hub.address), progress=quiet)
    assert not any("safetensors" in request for request in hub.seen)


def test_pickles_are_refused_unseen(tmp_path: Path, files: dict[str, bytes]) -> None:
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    with serve_hub(files) as hub, pytest.raises(UnsupportedModel, match="pickled"):
        fetch_snapshot("org/tiny", tmp_path / "d", reach=Reach(hub_endpoint=hub.address), progress=quiet)
    assert len(hub.seen) == 1


def test_a_repository_of_gguf_files_asks_for_one(tmp_path: Path) -> None:
    with serve_hub({"m.gguf": b"12345"}) as hub:
        reach = Reach(hub_endpoint=hub.address)
        with pytest.raises(UnsupportedModel, match=r"name one: org/tiny/m\.gguf"):
            fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)
        path, sha256 = fetch_gguf("org/tiny", "m.gguf", tmp_path / "d", reach=reach, progress=quiet)
    assert path.read_bytes() == b"12345"
    assert sha256 == hashlib.sha256(b"12345").hexdigest()


def test_a_full_disk_is_known_before(tmp_path: Path, files: dict[str, bytes]) -> None:
    with serve_hub(files) as hub:
        reach = Reach(hub_endpoint=hub.address, free_bytes=lambda _: 0)
        with pytest.raises(DiskFull):
            fetch_snapshot("org/tiny", tmp_path / "d", reach=reach, progress=quiet)
