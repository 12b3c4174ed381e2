"""What ``splice doctor`` says of drafts: who drafts, and why others do not. Nothing here changes anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from assistant.settings import Settings

_FREE = ("typed", "suffix")
_MODELS = ("small_model", "early_exit", "tiny", "nested")


class Drafting(NamedTuple):
    """``said`` names who drafts and who does not; ``refused``: why the settings' draft is left out."""

    said: str
    refused: str = ""


class _Named(NamedTuple):
    """The drafter that the settings' draft becomes, and why it cannot."""

    drafter: str
    refused: str = ""


def drafting_of(settings: Settings, status: Mapping[str, object]) -> Drafting:
    """What ``status``, of the running server, says; without it, what the settings make of the files."""
    if status.get("state") != "ready" or "drafters" not in status:
        return _expected(settings)
    names = cast("list[str]", status["drafters"])
    return Drafting(sentence(settings, names), str(status.get("draftRefused", "")))


def sentence(settings: Settings, names: list[str]) -> str:
    """Who drafts, and why each of the others does not."""
    wanted = settings.drafts.drafter
    active = ", ".join(names) or "nobody"
    if wanted != "auto":
        return f"{active} (drafts.drafter is {wanted})"
    idle = [name for name in _MODELS if name not in names]
    if settings.drafts.model is None:
        return f"{active}; {', '.join(idle)} would need drafts.model"
    return f"{active} (drafts.model is {settings.drafts.model})"


def _expected(settings: Settings) -> Drafting:
    wanted, model = settings.drafts.drafter, settings.drafts.model
    names = [name for name in _FREE if wanted in {"auto", name}]
    if model is None or wanted in {"off", *_FREE}:
        return Drafting(sentence(settings, names))
    named = _named(settings, model)
    if not named.refused and wanted in {"auto", named.drafter}:
        names.append(named.drafter)
    return Drafting(sentence(settings, names), named.refused)


def _named(settings: Settings, model: str) -> _Named:
    """What the draft becomes, as far as its files tell without loading it."""
    from completion.errors import CompletionError
    from completion.loading import choose_device, open_tokenizer
    from completion.registry import locate
    from completion.tokens import TextCodec
    from completion.trained import DRAFTS_AS, check_card, is_trained
    from drafts.errors import DraftError

    engine = settings.engine
    has_gpu = choose_device(engine.device).type == "cuda"
    try:
        if not is_trained(model):
            locate(model, models_dir=engine.models_dir, has_gpu=has_gpu)
            return _Named("small_model")
        target = locate(engine.model, models_dir=engine.models_dir, has_gpu=has_gpu)
        codec = TextCodec(open_tokenizer(target.directory))
        card = check_card(Path(model).expanduser(), target.name, codec)
        return _Named(DRAFTS_AS[card.kind])
    except (CompletionError, DraftError) as error:
        return _Named("", str(error))
