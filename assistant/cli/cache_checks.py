"""What ``splice doctor`` says of the cache while no server runs. Nothing here changes anything."""

import json
from types import SimpleNamespace

from assistant.settings import Settings


def cache_of_model(settings: Settings, *, has_gpu: bool) -> str:
    """What ``config.json`` tells of the keys; whether they really move is tried when it is loaded.

    Raises UnknownModel, ModelNotInstalled or CorruptModel.
    """
    from completion.records import PREFIX_ONLY, UNKNOWN_CACHE
    from completion.registry import locate
    from kvcache.rotary import UNSTEADY, rope_type

    found = locate(settings.engine.model, models_dir=settings.engine.models_dir, has_gpu=has_gpu)
    config = SimpleNamespace(**json.loads((found.directory / "config.json").read_text("utf-8")))
    kind = rope_type(config)
    if kind in UNSTEADY:
        return f"The model's rotary angles ({kind}) change with the length of the prompt. {PREFIX_ONLY}"
    return UNKNOWN_CACHE
