"""An adapter's file gives back what was written, and nothing that would be taken for it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from drafts.adapter import Adapter, read_adapter, write_adapter
from drafts.errors import UnusableAdapter


def adapter_of(hidden: int = 8, inner: int = 6) -> Adapter:
    torch.manual_seed(0)
    return Adapter(
        target="tiny",
        layers=2,
        query=torch.randn(inner, hidden),
        query_bias=torch.randn(inner),
        out=torch.randn(hidden, inner),
        turn=torch.randn(hidden, hidden),
        vocabulary=torch.tensor([0, 3, 17, 99]),
    )


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = adapter_of()
    write_adapter(tmp_path / "a.safetensors", wanted)
    found = read_adapter(tmp_path / "a.safetensors")
    assert (found.target, found.layers) == ("tiny", 2)
    assert found.vocabulary.tolist() == [0, 3, 17, 99]
    for name in ("query", "query_bias", "out", "turn"):
        assert torch.equal(getattr(found, name), getattr(wanted, name).half().float())
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(UnusableAdapter, match="cannot be read"):
        read_adapter(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnusableAdapter, match="cannot be read"):
        read_adapter(path)
    write_adapter(path, adapter_of())
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UnusableAdapter, match="cannot be read"):
        read_adapter(path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_adapter(path, adapter_of())
    path.write_bytes(path.read_bytes().replace(b'\\"format\\": 1', b'\\"format\\": 9'))
    with pytest.raises(UnusableAdapter, match="format 9"):
        read_adapter(path)


def test_it_fits_its_target() -> None:
    adapter_of().require(hidden=8, layers=3, vocabulary=100)


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"hidden": 9, "layers": 3, "vocabulary": 100}, "width"),
        ({"hidden": 8, "layers": 2, "vocabulary": 100}, "layer 2 of 2"),
        ({"hidden": 8, "layers": 3, "vocabulary": 99}, "none of the target's 99"),
    ],
)
def test_another_target_is_refused_by_name(sizes: dict[str, int], reason: str) -> None:
    with pytest.raises(UnusableAdapter, match=reason):
        adapter_of().require(**sizes)


def test_matrices_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(UnusableAdapter, match="fit each other"):
        replace(adapter_of(), out=torch.zeros(8, 7)).require(hidden=8, layers=3, vocabulary=100)


def test_an_adapter_without_words_is_refused() -> None:
    mute = replace(adapter_of(), vocabulary=torch.empty(0, dtype=torch.int64))
    with pytest.raises(UnusableAdapter, match="none of the target's"):
        mute.require(hidden=8, layers=3, vocabulary=100)
