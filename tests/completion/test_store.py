"""A model appears whole or not at all, and one process at a time works on it."""

import threading
from pathlib import Path

import pytest

from completion.errors import CorruptModel, DiskFull, ModelError
from completion.progress import Progress
from completion.store import ModelStore, packed_file


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def fill(directory: Path) -> None:
    (directory / "config.json").write_text("{}")


def test_a_model_that_was_added_is_found(store: ModelStore) -> None:
    assert store.find("tiny") is None
    directory = store.add("tiny", "sha256:00", fill)
    assert store.find("tiny") == directory == store.directory("tiny")
    assert [(key, whole) for key, _, whole in store.installed()] == [("tiny", True)]
    assert not store.downloads("tiny").exists()


def test_a_model_that_could_not_be_built_leaves_the_old_one(store: ModelStore) -> None:
    store.add("tiny", "old", fill)

    def fail(directory: Path) -> None:
        fill(directory)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        store.add("tiny", "new", fail)
    assert store.find("tiny") is not None


def test_a_full_disk_while_building_is_named(store: ModelStore) -> None:
    with pytest.raises(DiskFull):
        store.add("tiny", "x", lambda _: Path("/dev/full").write_text("x") and None)
    assert store.find("tiny") is None


def test_what_a_crash_left_behind_does_not_come_back(store: ModelStore) -> None:
    left = store.downloads("tiny") / "building"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    directory = store.add("tiny", "x", fill)
    assert not (directory / "half").exists()


def test_a_damaged_model_is_listed_as_such(store: ModelStore) -> None:
    (store.add("tiny", "x", fill) / "config.json").write_text("{ }")
    with pytest.raises(CorruptModel):
        store.find("tiny")
    assert [whole for _, _, whole in store.installed()] == [False]


def test_removing_frees_the_model_and_its_downloads(store: ModelStore) -> None:
    store.add("tiny", "x", fill)
    store.downloads("tiny").mkdir(parents=True)
    (store.downloads("tiny") / "part").write_bytes(b"12345")
    assert store.remove("tiny") > 5
    assert store.find("tiny") is None
    assert not store.downloads("tiny").exists()
    assert store.remove("tiny") == 0


def test_removing_takes_the_packed_weights_along(store: ModelStore) -> None:
    for key in ("tiny", "other"):
        directory = store.add(key, "x", fill)
        packed = packed_file(directory, directory.parent, "int8")
        packed.parent.mkdir(parents=True)
        packed.write_bytes(bytes(1_000))
    assert store.remove("tiny") > 1_000
    assert not packed_file(store.directory("tiny"), store.directory("tiny").parent, "int8").parent.exists()
    assert packed_file(store.directory("other"), store.directory("other").parent, "int8").is_file()


def test_a_model_that_is_being_built_is_not_removed(store: ModelStore) -> None:
    with store.locked("tiny"), pytest.raises(ModelError, match="being fetched"):
        ModelStore(store.directory("tiny").parent).remove("tiny")
    assert store.remove("tiny") == 0


def test_the_second_waits_and_says_so(store: ModelStore) -> None:
    steps: list[Progress] = []
    waiting, order = threading.Event(), []

    def tell(step: Progress) -> None:
        steps.append(step)
        waiting.set()

    def second() -> None:
        with store.locked("tiny", tell):
            order.append("second")

    thread = threading.Thread(target=second)
    with store.locked("tiny"):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert steps[0].stage == "wait"
    assert "Waiting for another process" in steps[0].detail


def test_other_models_do_not_wait(store: ModelStore) -> None:
    with store.locked("tiny"), store.locked("other"):
        pass
