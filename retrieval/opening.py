"""Which embedder an index is made with, by the setting ``retrieval.embedder``.

Importing this module is cheap; what embeds is imported when it is opened.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from retrieval.config import RetrievalConfig
from retrieval.errors import EmbeddingFailed
from retrieval.place import kept_vectors

if TYPE_CHECKING:
    from retrieval.embed import Embedder
    from retrieval.static_vectors import OnMade

AUTO, NONE = "auto", "none"
_STATIC = "static:"


class Wanted(NamedTuple):
    """A model, and whether token vectors are made of it or it is run itself."""

    model: str
    is_static: bool

    def __str__(self) -> str:
        return f"{_STATIC}{self.model}" if self.is_static else self.model


def wanted(setting: str, default: str = "") -> Wanted | None:
    """What the setting asks for, ``auto`` being the static vectors of ``default``; None: no embedder."""
    if setting == NONE or (setting == AUTO and not default):
        return None
    if setting == AUTO:
        return Wanted(default, is_static=True)
    return Wanted(setting.removeprefix(_STATIC), is_static=setting.startswith(_STATIC))


def open_embedder(
    config: RetrievalConfig, *, make: bool = True, on_made: "OnMade | None" = None
) -> "Embedder | None":
    """The embedder whose model's directory the settings name; None: words and symbols only.

    Names are turned into directories by whoever knows the models; ``auto`` by itself is None. Token vectors
    that are not there yet are made, which takes a minute, or None is returned with ``make=False``.
    Raises EmbeddingFailed for what is no directory of an embedding model.
    """
    asked = wanted(config.embedder)
    if asked is None:
        return None
    directory = Path(asked.model).expanduser()
    if not directory.is_dir():
        raise EmbeddingFailed(f"{directory} is no directory of an embedding model.")
    if not asked.is_static:
        from retrieval.encoders import TransformerEmbedder

        return TransformerEmbedder(directory)
    kept = _kept(directory, config)
    if not make and not kept.is_file():
        return None
    from retrieval.default_embedder import static_embedder

    return static_embedder(directory, kept, on_made=on_made)


def is_made(config: RetrievalConfig) -> bool:
    """Whether the embedder can be opened without making anything first."""
    asked = wanted(config.embedder)
    if asked is None or not asked.is_static:
        return asked is not None
    return _kept(Path(asked.model).expanduser(), config).is_file()


def _kept(directory: Path, config: RetrievalConfig) -> Path:
    try:
        return kept_vectors(directory, config)
    except OSError as error:
        raise EmbeddingFailed(f"{directory} holds no model.safetensors.") from error
