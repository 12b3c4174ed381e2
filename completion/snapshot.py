"""A hub repository that is not in the catalogue: its safetensors and tokenizer, or one GGUF file.

The small files come first and are looked at, so that a model that would be refused costs nothing.
Whatever the hub lists with a SHA-256, weights above all, must have it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from completion.disk import need_room, writing
from completion.errors import HashMismatch, UnsupportedModel
from completion.fetch import Reach, sha256_of
from completion.hub import HubListing, fetch_file, list_repository
from completion.inspection import inspect_config, inspect_tokenizer, refuse_unsafe
from completion.progress import OnProgress, Progress

_SMALL = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "*.safetensors.index.json",
)  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """The files of a model as they were at one commit."""

    repository: str
    commit: str
    files: tuple[Path, ...]

    @property
    def source(self) -> str:
        """What the manifest says about where the model comes from."""
        return f"{self.repository}@{self.commit}"


def fetch_gguf(
    repository: str, file: str, directory: Path, *, reach: Reach, progress: OnProgress
) -> tuple[Path, str]:
    """Return one GGUF file of a repository, and its SHA-256.

    Raises what ``hub.fetch_file`` raises, HashMismatch or DiskFull.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        listing = list_repository(repository, endpoint=reach.hub_endpoint)
        (path,) = _fetch(listing, [file], directory / "hub", reach=reach, progress=progress)
        return path, _verify(listing, file, path, progress=progress)


def inspect_completing(directory: Path) -> None:
    """Raise UnsupportedModel or NoFimTokens unless the small files are those of a model that fills in."""
    inspect_config(directory)
    inspect_tokenizer(directory)


def fetch_snapshot(
    repository: str,
    directory: Path,
    *,
    reach: Reach,
    progress: OnProgress,
    inspect: Callable[[Path], None] = inspect_completing,
    more: Sequence[str] = (),
) -> Snapshot:
    """Return the files of a safetensors model at its newest commit, all below ``directory``/hub.

    ``inspect`` looks at the small files, ``more`` of them if the repository has them. Raises
    UnsupportedModel or NoFimTokens before any weights are fetched, HashMismatch after it.
    """
    listing = list_repository(repository, endpoint=reach.hub_endpoint)
    _refuse(listing)
    patterns = (*_SMALL, *more)
    small = [name for name in listing.sizes if any(fnmatch(name, pattern) for pattern in patterns)]
    weights = [name for name in listing.sizes if fnmatch(name, "*.safetensors") and "/" not in name]
    with writing(directory):
        scratch = directory / "hub"
        scratch.mkdir(parents=True, exist_ok=True)
        paths = _fetch(listing, small, scratch, reach=reach, progress=progress)
        inspect(scratch)
        paths += _fetch(listing, weights, scratch, reach=reach, progress=progress)
        for name, path in zip(small + weights, paths, strict=True):
            if name in listing.sha256:
                _verify(listing, name, path, progress=progress)
        return Snapshot(repository, listing.commit, tuple(paths))


def _refuse(listing: HubListing) -> None:
    ggufs = [name for name in listing.sizes if name.endswith(".gguf")]
    if ggufs and not any(name.endswith(".safetensors") for name in listing.sizes):
        raise UnsupportedModel(
            f"{listing.repository} holds GGUF files only; name one: {listing.repository}/{ggufs[0]}"
        )
    refuse_unsafe(listing.sizes, where=listing.repository)


def _fetch(
    listing: HubListing, names: list[str], directory: Path, *, reach: Reach, progress: OnProgress
) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    total = sum(listing.sizes.get(name, 0) for name in names)
    need_room(directory, total, reach.free_bytes)
    paths: list[Path] = []
    before = 0
    for name in names:

        def report(arrived: int, before: int = before) -> None:
            progress(Progress("download", min(before + arrived, total), total, "Downloading from the hub"))

        paths.append(fetch_file(listing, name, directory, endpoint=reach.hub_endpoint, on_bytes=report))
        before += listing.sizes.get(name, 0)
    return paths


def _verify(listing: HubListing, name: str, path: Path, *, progress: OnProgress) -> str:
    """Return the file's SHA-256; one that is not what the hub lists is deleted, and HashMismatch raised."""
    sha256 = sha256_of(path, progress=progress)
    if listing.sha256.get(name, sha256) != sha256:
        path.unlink()
        raise HashMismatch(
            f"What was downloaded as {name} of {listing.repository} is not the file it should be"
            " (wrong SHA-256)."
        )
    return sha256
