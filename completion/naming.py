"""What a model's name means: a name of the catalogue, a local path, or a hub id. Reads, never writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from completion.catalog import KnownModel, find, unknown
from completion.errors import UnknownModel, UnsupportedModel
from completion.fetch import sha256_of

_HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(/(?P<file>[\w./-]+\.gguf))?")


@dataclass(frozen=True)
class Known:
    """A name of the catalogue."""

    model: KnownModel

    @property
    def key(self) -> str:
        """The directory's name in the models folder."""
        return self.model.name


@dataclass(frozen=True)
class LocalDirectory:
    """A directory of the user's, opened where it is."""

    path: Path


@dataclass(frozen=True)
class LocalGguf:
    """A GGUF file of the user's, converted once."""

    path: Path
    sha256: str

    @property
    def key(self) -> str:
        """Files of equal bytes share one conversion, no two others ever do."""
        return f"{self.path.stem}-{self.sha256[:12]}"


@dataclass(frozen=True)
class HubModel:
    """A repository on the hub, or one GGUF file in it."""

    repository: str
    file: str | None

    @property
    def key(self) -> str:
        """The id without the slashes that a directory's name cannot have."""
        return "/".join(filter(None, (self.repository, self.file))).replace("/", "--")


Meaning = Known | LocalDirectory | LocalGguf | HubModel


def meaning_of(name: str, catalog: Sequence[KnownModel]) -> Meaning:
    """Return what ``name`` means; a local GGUF file is hashed for it.

    Raises UnknownModel with close names, UnsupportedModel for a file that is no GGUF.
    """
    if model := find(catalog, name):
        return Known(model)
    path = Path(name).expanduser()
    if path.is_dir():
        return LocalDirectory(path.resolve())
    if path.is_file():
        if path.suffix != ".gguf":
            raise UnsupportedModel(f"{path} is neither a directory nor a .gguf file.")
        return LocalGguf(path.resolve(), sha256_of(path))
    if name.startswith(("/", "./", "../", "~")):
        raise UnknownModel(f"There is no file or directory {path}.")
    if hub := hub_model(name):
        return hub
    raise unknown(catalog, name)


def hub_model(name: str) -> HubModel | None:
    """What ``name`` means as a hub id; None if it is none."""
    hub = _HUB_ID.fullmatch(name)
    return HubModel(hub["repository"], hub["file"]) if hub and ".." not in name else None
