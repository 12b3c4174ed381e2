"""What the files tell of the cache."""

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.cli.cache_checks import cache_of_model
from assistant.settings import Settings
from completion.errors import ModelNotInstalled
from completion.records import PREFIX_ONLY, UNKNOWN_CACHE
from tests.assistant.conftest import with_dynamic_angles


def test_angles_that_change_with_the_length_are_told(tiny_model_dir: Path, tmp_path: Path):
    def said(model: str) -> str:
        settings = Settings()
        engine = replace(settings.engine, model=model, models_dir=tmp_path)
        return cache_of_model(replace(settings, engine=engine), has_gpu=False)

    assert said(str(tiny_model_dir)) == UNKNOWN_CACHE
    changing = said(str(with_dynamic_angles(tiny_model_dir, tmp_path / "dynamic")))
    assert "(dynamic)" in changing
    assert changing.endswith(PREFIX_ONLY)
    with pytest.raises(ModelNotInstalled):
        said("qwen2.5-coder-0.5b")
