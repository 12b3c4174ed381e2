"""Where the index of a repository lies."""

import hashlib
from pathlib import Path

from platformdirs import user_cache_path

from retrieval.config import RetrievalConfig
from retrieval.errors import UnwritableIndex


def index_folder(root: Path, config: RetrievalConfig) -> Path:
    """Where the index of ``root`` lies: a name to recognise, and a hash of the whole path."""
    base = config.index_dir or user_cache_path("splice", appauthor=False) / "index"
    digest = hashlib.blake2b(str(root.resolve()).encode("utf-8", "surrogateescape"), digest_size=8)
    return base / f"{root.resolve().name or 'root'}-{digest.hexdigest()}"


def make_folder(folder: Path) -> None:
    """Make the folder for its owner alone, unless it is there. Raises UnwritableIndex."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UnwritableIndex(f"The index cannot be written to {folder}: {error.strerror}.") from error
