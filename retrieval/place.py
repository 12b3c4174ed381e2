"""Where indexes lie: one folder a repository, and one for what they share."""

import hashlib
from pathlib import Path

from platformdirs import user_cache_path

from retrieval.config import RetrievalConfig
from retrieval.errors import UnwritableIndex

_NAME_CHARS = 48
"""Four bytes each at most."""


def index_base(config: RetrievalConfig) -> Path:
    """The folder of all indexes: the one that was set, or one in the user's cache directory."""
    return config.index_dir or user_cache_path("splice", appauthor=False) / "index"


def index_folder(root: Path, config: RetrievalConfig) -> Path:
    """Where the index of ``root`` lies: a name to recognise, and a hash of the whole path."""
    whole = root.resolve()
    return index_base(config) / f"{_shortened(whole.name) or 'root'}-{_digest(str(whole))}"


def make_folder(folder: Path) -> None:
    """Make the folder for its owner alone, unless it is there. Raises UnwritableIndex."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UnwritableIndex(f"The index cannot be written to {folder}: {error.strerror}.") from error


def kept_vectors(model: Path, config: RetrievalConfig) -> Path:
    """Where the token vectors made of the model in ``model`` are kept; other weights have another place.

    Raises OSError for a directory without weights.
    """
    weights = (model / "model.safetensors").stat()
    said = f"{model.resolve()} {weights.st_size} {weights.st_mtime_ns}"
    return index_base(config) / ".static" / f"{model.resolve().name}-{_digest(said)}.npz"


def _shortened(name: str) -> str:
    """So much of a name as a file system takes with a hash behind it, whatever its letters' bytes are."""
    return name[:_NAME_CHARS]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
