"""Frozen settings of this package, handed to constructors by ``assistant/wiring.py``."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RetrievalConfig:
    """What is indexed, and how it is searched."""

    enabled: bool = True
    """Whether workspace folders are indexed when an editor opens them."""
    index_dir: Path | None = None
    """Where indexes are kept, one folder a repository; None: the user's cache directory."""
    embedder: str = "auto"
    """What finds pieces by meaning: a directory or hub id of a sentence-embedding model. ``static:`` in front
    of it: token vectors, made of that model once, which are quick. auto: those of the default model. none:
    words and symbols only."""
    max_file_bytes: int = 1_000_000
    """A larger file is left alone."""
    max_files: int = 100_000
    """Files of one repository that are indexed at most."""
    chunk_chars: int = 2_000
    """A definition larger than this is cut at its statements."""
    context_tokens: int = 512
    """Tokens of the repository that stand in front of a document at most; 0: none."""
    context_ms: float = 30.0
    """So long a completion waits for its context at most."""
