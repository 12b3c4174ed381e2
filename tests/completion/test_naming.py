"""What a name means."""

from pathlib import Path

import pytest

from completion.catalog import load_catalog
from completion.errors import UnknownModel, UnsupportedModel
from completion.naming import HubModel, Known, LocalDirectory, LocalGguf, meaning_of

CATALOG = load_catalog()


def test_a_known_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CATALOG[0].name).mkdir()
    assert meaning_of(CATALOG[0].name, CATALOG) == Known(CATALOG[0])


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"abc")
    (tmp_path / "same.gguf").write_bytes(b"abc")
    assert meaning_of(str(tmp_path), CATALOG) == LocalDirectory(tmp_path)
    one, other = (meaning_of(str(tmp_path / name), CATALOG) for name in ("m.gguf", "same.gguf"))
    assert isinstance(one, LocalGguf)
    assert isinstance(other, LocalGguf)
    assert one.sha256 == other.sha256
    assert one.key == f"m-{one.sha256[:12]}"


def test_hub_ids() -> None:
    assert meaning_of("org/model-1.5", CATALOG) == HubModel("org/model-1.5", None)
    one_file = meaning_of("org/model/sub/m.gguf", CATALOG)
    assert one_file == HubModel("org/model", "sub/m.gguf")
    assert one_file.key == "org--model--sub--m.gguf"


@pytest.mark.parametrize("name", ["./nothing", "/nothing/here", "~/nothing-here", "../nothing"])
def test_a_path_that_is_not_there(name: str) -> None:
    with pytest.raises(UnknownModel, match="no file or directory"):
        meaning_of(name, CATALOG)


@pytest.mark.parametrize("name", ["nothing", "a/b/c", "org/..x..", "a b/c", "org/m/../../x.gguf"])
def test_a_name_that_means_nothing(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownModel):
        meaning_of(name, CATALOG)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(UnsupportedModel, match=r"neither a directory nor a \.gguf"):
        meaning_of(str(tmp_path / "model.bin"), CATALOG)
