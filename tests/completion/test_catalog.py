"""The catalogue that is shipped, and the words for a name that is not in it."""

import re
from pathlib import Path

import pytest

from completion.catalog import default_model, find, load_catalog, load_embedders, unknown
from completion.errors import UnknownModel


def test_every_entry_is_pinned_to_the_byte() -> None:
    for model in load_catalog():
        assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
        assert model.hub is not None
        assert re.fullmatch(r"[0-9a-f]{40}", model.hub.revision or "")
        assert model.wheels is not None
        assert len(set(model.wheels.distributions)) == len(model.wheels.distributions)
        assert model.wheels.size == pytest.approx(model.size, rel=0.1)


def test_there_is_one_default_for_each_kind_of_machine() -> None:
    catalog = load_catalog()
    assert default_model(catalog, has_gpu=False).name == "qwen2.5-coder-0.5b"
    assert default_model(catalog, has_gpu=True).name == "qwen2.5-coder-1.5b"
    assert sorted(model.default_for or "" for model in catalog if model.default_for) == ["cpu", "gpu"]


def test_no_default_is_an_error() -> None:
    with pytest.raises(UnknownModel):
        default_model([], has_gpu=False)


def test_a_near_miss_is_told_what_it_may_have_meant() -> None:
    catalog = load_catalog()
    assert "did you mean qwen2.5-coder-0.5b" in str(unknown(catalog, "qwen2.5-coder-0.5"))
    assert "known are qwen2.5-coder-0.5b, qwen2.5-coder-1.5b" in str(unknown(catalog, "zzz"))
    assert find(catalog, "zzz") is None


def test_an_unknown_key_stops_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text('[[model]]\nname = "x"\ncolour = "red"\n')
    with pytest.raises(TypeError, match="colour"):
        load_catalog(path)


def test_every_embedder_is_pinned_to_the_byte() -> None:
    for each in load_embedders():
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= each.files.keys()
        assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in each.files.values())
        assert each.hub is not None
        assert re.fullmatch(r"[0-9a-f]{40}", each.hub.revision)
        assert each.wheel is not None
        assert each.wheel.size <= each.size
