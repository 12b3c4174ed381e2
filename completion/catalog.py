"""The models known by name, read from ``models.toml``. Pure."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from completion.errors import UnknownModel


@dataclass(frozen=True)
class HubFile:
    """One file of a hub repository at a pinned revision; None: its newest."""

    repository: str
    revision: str | None
    file: str


@dataclass(frozen=True)
class WheelSet:
    """Wheels whose only ``.bin`` members, joined in this order, are the file."""

    version: str
    distributions: tuple[str, ...]
    size: int
    """Bytes of all wheels together, for the progress bar and the space needed."""


@dataclass(frozen=True)
class KnownModel:
    """One entry of ``models.toml``: a GGUF file and its sources."""

    name: str
    description: str
    license: str
    size: int
    sha256: str
    converted_size: int
    """Bytes of the converted directory, roughly."""
    default_for: Literal["cpu", "gpu"] | None = None
    hub: HubFile | None = None
    wheels: WheelSet | None = None


@dataclass(frozen=True)
class HubFolder:
    """The files of a hub repository at a pinned revision."""

    repository: str
    revision: str


@dataclass(frozen=True)
class WheelFolder:
    """A wheel that carries the files of a model in one of its folders."""

    distribution: str
    version: str
    folder: str
    size: int
    """Bytes of the wheel."""


@dataclass(frozen=True)
class KnownEmbedder:
    """A model that embeds text: a few files and their sources."""

    name: str
    description: str
    license: str
    size: int
    """Bytes of all files together."""
    files: Mapping[str, str]
    """SHA-256 of each file by its name; none lies in a folder."""
    hub: HubFolder | None = None
    wheel: WheelFolder | None = None


def load_catalog(path: Path | None = None) -> tuple[KnownModel, ...]:
    """Read the catalogue; an unknown or missing key raises TypeError with its name."""
    text = (path or Path(__file__).with_name("models.toml")).read_text(encoding="utf-8")
    return tuple(_model(entry) for entry in tomllib.loads(text)["model"])


def load_embedders(path: Path | None = None) -> tuple[KnownEmbedder, ...]:
    """Read the models that embed text; the first is the default. TypeError as in ``load_catalog``."""
    text = (path or Path(__file__).with_name("models.toml")).read_text(encoding="utf-8")
    return tuple(_embedder(entry) for entry in tomllib.loads(text)["embedder"])


def find(catalog: Sequence[KnownModel], name: str) -> KnownModel | None:
    """Return the model of this exact name, if it is known."""
    return next((model for model in catalog if model.name == name), None)


def default_model(catalog: Sequence[KnownModel], *, has_gpu: bool) -> KnownModel:
    """Return the model used when none was named; raises UnknownModel when the catalogue has none."""
    wanted = "gpu" if has_gpu else "cpu"
    for model in catalog:
        if model.default_for == wanted:
            return model
    raise UnknownModel(f"No default model is set for a machine with the device {wanted!r}; name one.")


def unknown(catalog: Sequence[KnownModel | KnownEmbedder], name: str) -> UnknownModel:
    """Build the error for a name nobody knows, with the names it may have meant."""
    names = [model.name for model in catalog]
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(names)}."
    return UnknownModel(f"There is no model {name!r}: {hint}")


def _model(entry: dict[str, Any]) -> KnownModel:
    hub, wheels = entry.pop("hub", None), entry.pop("wheels", None)
    if wheels:
        wheels = WheelSet(**wheels | {"distributions": tuple(wheels["distributions"])})
    return KnownModel(**entry, hub=HubFile(**hub) if hub else None, wheels=wheels)


def _embedder(entry: dict[str, Any]) -> KnownEmbedder:
    hub, wheel = entry.pop("hub", None), entry.pop("wheel", None)
    return KnownEmbedder(
        **entry, hub=HubFolder(**hub) if hub else None, wheel=WheelFolder(**wheel) if wheel else None
    )
