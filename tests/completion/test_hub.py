"""The hub's client against a small hub on this machine."""

import hashlib
from pathlib import Path

import pytest

from completion.errors import NetworkUnavailable, SourceMissing
from completion.hub import fetch_file, list_repository
from tests.completion.model_files import NO_HUB, serve_hub

DATA = bytes(range(256)) * 1000


def test_a_file_arrives_with_its_progress(tmp_path: Path) -> None:
    seen: list[int] = []
    with serve_hub({"a.gguf": DATA}) as hub:
        listing = list_repository("org/tiny", revision="main", endpoint=hub.address)
        path = fetch_file(listing, "a.gguf", tmp_path, endpoint=hub.address, on_bytes=seen.append)
    assert path.read_bytes() == DATA
    assert seen[-1] == len(DATA)
    assert (listing.commit, listing.sizes) == ("c" * 40, {"a.gguf": len(DATA)})
    assert listing.sha256 == {"a.gguf": hashlib.sha256(DATA).hexdigest()}


def test_small_files_come_without_a_hash() -> None:
    with serve_hub({"config.json": b"{}"}) as hub:
        listing = list_repository("org/tiny", endpoint=hub.address)
    assert (listing.sizes, listing.sha256) == ({"config.json": 2}, {})


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with serve_hub({"a.gguf": DATA}) as hub:
        listing = list_repository("org/tiny", endpoint=hub.address)
        with pytest.raises(SourceMissing, match=r"no file b\.gguf"):
            fetch_file(listing, "b.gguf", tmp_path, endpoint=hub.address, on_bytes=lambda _: None)
        with pytest.raises(SourceMissing, match="org/other"):
            list_repository("org/other", endpoint=hub.address)


def test_no_network_is_known_at_once() -> None:
    with pytest.raises(NetworkUnavailable, match="org/tiny"):
        list_repository("org/tiny", endpoint=NO_HUB)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(SourceMissing, match="no name"):
        list_repository("a//b--c..d", endpoint=NO_HUB)


def test_whoever_waits_can_stop_it(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise InterruptedError("enough")

    with serve_hub({"a.gguf": DATA}) as hub:
        listing = list_repository("org/tiny", endpoint=hub.address)
        with pytest.raises((InterruptedError, NetworkUnavailable)):
            fetch_file(listing, "a.gguf", tmp_path, endpoint=hub.address, on_bytes=stop)
    assert not (tmp_path / "a.gguf").exists()
