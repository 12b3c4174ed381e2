"""A checkpoint is whole or not there; damage is one sentence, whatever it is."""

import json
from pathlib import Path

import pytest
import torch

from drafts.errors import CorruptCheckpoint
from drafts.train.checkpoint import POINTER, load_checkpoint, save_checkpoint, write_json


def state(step: int) -> dict[str, object]:
    return {"step": step, "model": {"w": torch.arange(6.0) + step}, "rows": [{"loss": 1.5}]}


def test_the_newest_is_loaded_and_the_older_are_gone(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    for step in (1, 20, 3):  # the last one saved counts, not the highest
        save_checkpoint(tmp_path, state(step))
    loaded = load_checkpoint(tmp_path)
    assert loaded is not None
    assert torch.equal(loaded["model"]["w"], torch.arange(6.0) + 3)
    assert loaded["rows"] == [{"loss": 1.5}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-00000003.pt", POINTER]


def test_dying_before_the_pointer_keeps_the_one_before(tmp_path: Path, monkeypatch) -> None:
    save_checkpoint(tmp_path, state(1))

    def die(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("drafts.train.checkpoint.write_json", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, state(2))
    loaded = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded["step"] == 1


@pytest.mark.parametrize("at", ["first", "middle", "last"])
def test_a_changed_byte_is_noticed(tmp_path: Path, at: str) -> None:
    save_checkpoint(tmp_path, state(1))
    path = tmp_path / "checkpoint-00000001.pt"
    raw = bytearray(path.read_bytes())
    raw[{"first": 0, "middle": len(raw) // 2, "last": -1}[at]] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptCheckpoint, match=r"bytes of checkpoint-00000001\.pt changed"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("pointer", ["", "[]", "{}", '{"file": "gone.pt", "sha256": "x"}', '{"file": 1}'])
def test_a_damaged_pointer_is_one_sentence(tmp_path: Path, pointer: str) -> None:
    (tmp_path / POINTER).write_text(pointer)
    with pytest.raises(CorruptCheckpoint, match=r"damaged .*without --resume\.$"):
        load_checkpoint(tmp_path)


def test_a_file_that_is_no_state_is_refused_without_running_it(tmp_path: Path) -> None:
    import hashlib
    import pickle

    for number, value in enumerate((b"text", pickle.dumps(print, protocol=2))):
        path = tmp_path / f"checkpoint-{number}.pt"
        path.write_bytes(value)
        write_json(tmp_path / POINTER, {"file": path.name, "sha256": hashlib.sha256(value).hexdigest()})
        with pytest.raises(CorruptCheckpoint):
            load_checkpoint(tmp_path)
    assert json.loads((tmp_path / POINTER).read_text())["file"] == "checkpoint-1.pt"
