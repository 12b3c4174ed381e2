"""A model is opened from what was kept, and packed anew where that is of no use."""

import logging
import resource
import threading
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from completion.cpu import model as opening
from completion.cpu.model import _compile, compile_soon, open_pass
from completion.cpu.passes import CpuPass
from tests.completion.cpu.models import CONFIGS, make
from tests.completion.cpu.test_passes import in_pieces, pass_of, store_of

CONFIG = CONFIGS["qwen2"]


@pytest.fixture(autouse=True)
def _everything_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_WORTH_KEEPING", 0)


class Opener:
    """Opens one model, and counts how often transformers had to."""

    def __init__(self, directory: Path, kept_at: Path) -> None:
        self.model = make(CONFIG)
        self.loads = 0
        self._directory, self.kept_at = directory, kept_at

    def __call__(self) -> CpuPass:
        return open_pass(
            self._directory,
            CONFIG,
            kept_at=self.kept_at,
            rotary=self.model.model.rotary_emb,
            threads=1,
            load=self._load,
        )

    def _load(self) -> Any:
        self.loads += 1
        return self.model

    def logits(self) -> torch.Tensor:
        return in_pieces(self(), store_of(self.model), [20])


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    (tmp_path / "model.safetensors").write_bytes(b"as good as any")
    return Opener(tmp_path, tmp_path / "kept" / "int8.safetensors")


def test_the_second_start_reads_what_the_first_kept(opener: Opener) -> None:
    first = opener.logits()
    assert torch.equal(opener.logits(), first)
    assert opener.loads == 1


def test_what_is_damaged_is_made_anew(
    opener: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, file = opener.logits(), tmp_path / "kept" / "int8.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(opener.logits(), first)
    assert "is damaged" in caplog.text
    assert "It is made anew." in caplog.text
    opener.logits()
    assert opener.loads == 2


def test_another_model_in_the_same_place_is_packed(opener: Opener, tmp_path: Path) -> None:
    opener.logits()
    (tmp_path / "model.safetensors").write_bytes(b"another one")
    opener.logits()
    assert opener.loads == 2


def test_where_nothing_can_be_kept_it_works_all_the_same(
    opener: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        opener.logits()
    assert "could not be kept" in caplog.text


def test_a_full_disk_is_no_reason_not_to_start(opener: Opener, caplog: pytest.LogCaptureFixture) -> None:
    """An error of safetensors' own says so."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with caplog.at_level(logging.WARNING):
            subject = opener()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "could not be kept" in caplog.text
    assert not list(opener.kept_at.parent.glob("*"))
    in_pieces(subject, store_of(opener.model), [5])


def test_kernels_are_compiled_beside() -> None:
    compile_soon()
    for thread in threading.enumerate():
        if thread.name == "splice-compile":
            thread.join()
    from completion.cpu import layers

    before = len(cast("Any", layers).forward.signatures)
    assert before
    model = make(CONFIG)
    in_pieces(pass_of(model, 2), store_of(model), [5, 2])
    assert len(cast("Any", layers).forward.signatures) == before  # a pass finds what was compiled


def test_compiling_does_not_mind_a_model_that_is_loaded_meanwhile() -> None:
    """Transformers sets torch's default type for the whole process while it opens a model."""
    torch.set_default_dtype(torch.float16)
    try:
        _compile()
    finally:
        torch.set_default_dtype(torch.float32)
