"""What a directory is refused for, before anything of it is opened."""

import json
from pathlib import Path

import pytest

from completion.convert import convert
from completion.errors import CorruptModel, NoFimTokens, UnsupportedModel
from completion.inspection import inspect_directory
from tests.completion.model_files import write_gguf


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    convert(write_gguf(tmp_path / "m.gguf"), directory)
    return directory


def edit(path: Path, change) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_whole_model_has_its_family(directory: Path) -> None:
    assert inspect_directory(directory).name == "qwen2.5-coder"


def test_pickles_are_refused(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(UnsupportedModel, match="pickled"):
        inspect_directory(directory)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(UnsupportedModel, match=name.partition(".")[2].replace("json", name)):
        inspect_directory(directory)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_its_own_is_refused(directory: Path, name: str) -> None:
    edit(directory / name, lambda value: value.update(auto_map={"AutoModel": "evil.py"}))
    with pytest.raises(UnsupportedModel, match="code of its own"):
        inspect_directory(directory)


def test_a_tokenizer_without_fim_tokens_is_refused(directory: Path) -> None:
    def forget(value) -> None:
        value["added_tokens"] = []
        value["model"]["vocab"] = {"a": 0}

    edit(directory / "tokenizer.json", forget)
    with pytest.raises(NoFimTokens):
        inspect_directory(directory)


def test_markers_may_be_plain_entries_of_the_vocabulary(directory: Path) -> None:
    edit(directory / "tokenizer.json", lambda value: value.update(added_tokens=[]))
    assert inspect_directory(directory).name == "qwen2.5-coder"


@pytest.mark.parametrize("left", [0, 4, 100, -1])
def test_cut_off_weights_are_corrupt(directory: Path, left: int) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(CorruptModel, match=r"model\.safetensors"):
        inspect_directory(directory)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_broken_json_is_corrupt(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text)
    with pytest.raises(CorruptModel, match=name):
        inspect_directory(directory)
