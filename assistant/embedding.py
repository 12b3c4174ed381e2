"""The embedding model that the settings name, as the directory that retrieval opens."""

from dataclasses import replace
from typing import NamedTuple

from assistant.settings import Settings
from completion.embedders import default_embedder, locate_embedder, obtain_embedder
from completion.errors import CorruptModel, DownloadError, ModelNotInstalled
from completion.progress import OnProgress
from retrieval.config import RetrievalConfig
from retrieval.opening import NONE, Wanted, is_made, wanted


class Chosen(NamedTuple):
    """What to embed with."""

    config: RetrievalConfig
    """Its embedder is a directory, or none."""
    name: str
    """The model's; empty when none is asked for."""
    why_not: str = ""
    """One sentence when it cannot be had; search goes by words and symbols then."""


def embedders(settings: Settings) -> tuple[str, ...]:
    """The names that mean an embedding model here: the default, and the one that the settings ask for."""
    asked = wanted(settings.retrieval.embedder)
    return (default_embedder(), *([asked.model] if asked else []))


def choose(settings: Settings, progress: OnProgress | None = None) -> Chosen:
    """Find the model, or fetch it where ``progress`` is given.

    Raises UnknownModel or UnsupportedModel for a setting that names no embedding model.
    """
    asked = wanted(settings.retrieval.embedder, default_embedder())
    if asked is None:
        return Chosen(settings.retrieval, "")
    models_dir = settings.engine.models_dir
    try:
        if progress is None:
            found = locate_embedder(asked.model, models_dir=models_dir)
        else:
            found = obtain_embedder(asked.model, models_dir=models_dir, progress=progress)
    except (CorruptModel, DownloadError, ModelNotInstalled) as error:
        return Chosen(replace(settings.retrieval, embedder=NONE), asked.model, str(error))
    directory = str(Wanted(str(found.directory), asked.is_static))
    return Chosen(replace(settings.retrieval, embedder=directory), found.name)


def describe(settings: Settings) -> tuple[str, str]:
    """What a repository is searched by beside words and symbols, and what to do where that is nothing.

    Raises as ``choose``.
    """
    chosen = choose(settings)
    if chosen.why_not:
        return "none: words and symbols only", chosen.why_not
    if not chosen.name:
        return "none, as set: words and symbols only", ""
    if not chosen.config.embedder.startswith("static:"):
        return f"{chosen.name}, run on the CPU", ""
    when = "" if is_made(chosen.config) else ", made when a folder is indexed"
    return f"token vectors of {chosen.name}{when}", ""
