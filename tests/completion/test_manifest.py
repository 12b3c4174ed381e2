"""A directory that was cut, changed or made by another version is noticed."""

from pathlib import Path

import pytest

from completion.errors import CorruptModel
from completion.manifest import MANIFEST, check, write_manifest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)) * 20_000)  # 5 MB: sampled
    (tmp_path / "empty").write_bytes(b"")
    write_manifest(tmp_path, model="tiny", source="sha256:00", version=1)
    return tmp_path


def test_a_whole_directory_is_whole(directory: Path) -> None:
    manifest = check(directory, version=1)
    assert (manifest.model, manifest.source) == ("tiny", "sha256:00")
    assert manifest.sizes["model.safetensors"] == 5_120_000


@pytest.mark.parametrize("size", [0, 1, 5_119_999])
def test_a_truncated_file_is_noticed(directory: Path, size: int) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CorruptModel, match=r"model\.safetensors has the wrong size"):
        check(directory, version=1)


@pytest.mark.parametrize("offset", [0, 5_119_999])
def test_changed_bytes_at_either_end_are_noticed(directory: Path, offset: int) -> None:
    with (directory / "model.safetensors").open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(CorruptModel, match="were changed"):
        check(directory, version=1)


def test_zeroes_after_a_crash_are_noticed(directory: Path) -> None:
    with (directory / "model.safetensors").open("r+b") as file:
        file.seek(2_000_000)
        file.write(bytes(1_000_000))
    with pytest.raises(CorruptModel, match="were changed"):
        check(directory, version=1)


def test_a_missing_file_is_named(directory: Path) -> None:
    (directory / "config.json").unlink()
    with pytest.raises(CorruptModel, match=r"config\.json is missing"):
        check(directory, version=1)


def test_another_version_is_built_again(directory: Path) -> None:
    with pytest.raises(CorruptModel, match="another version"):
        check(directory, version=2)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sizes": 3}', '{"sizes": {"a": "x"}}', '{"odd": 1}'])
def test_a_broken_manifest_is_corrupt(directory: Path, text: str) -> None:
    (directory / MANIFEST).write_text(text)
    with pytest.raises(CorruptModel, match="manifest"):
        check(directory, version=1)
