"""Every setting, composed once at the start and frozen.

Sources, each over the one before: the defaults of the dataclasses; the settings file (TOML, one table a
section); the environment (``SPLICE_SERVER__PORT=0``); the command line's overrides (``{"server.port": 0}``).
A key that nobody knows stops the start with its name. This module alone reads the environment.
"""

import difflib
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, cast, get_type_hints

import msgspec
from platformdirs import user_config_path, user_state_path

from assistant.errors import BadSetting, UnknownSetting
from completion.config import CompletionConfig, EngineConfig
from drafts.config import DraftConfig
from retrieval.config import RetrievalConfig

ENV_PREFIX = "SPLICE_"
ENV_FILE = "SPLICE_CONFIG"
"""The settings file, when ``--config`` does not name one."""
_MAY_BE_ZERO = frozenset(
    {
        "server.port",
        "engine.unload_after_s",
        "completion.tail_lines",
        "completion.suffix_chars",
        "completion.repair_ms",
        "completion.repair_tokens",
        "completion.refresh_after_s",
        "retrieval.context_tokens",
        "retrieval.context_ms",
    }
)


def _state_dir() -> Path:
    return user_state_path("splice", appauthor=False)


@dataclass(frozen=True)
class ServerConfig:
    """Where the server listens and what one client may ask of it."""

    host: str = "127.0.0.1"
    port: int = 7433
    """0: a free port, chosen by the system."""
    token: str | None = field(default=None, repr=False)
    """None: a fresh random token at every start. A public host needs one that was chosen."""
    state_dir: Path = field(default_factory=_state_dir)
    """Holds ``server.json`` and ``token`` while the server runs."""
    max_frame_bytes: int = 16 * 2**20
    """A longer message is answered with an error. The largest document fits, as UTF-8 with JSON's escapes."""
    max_connections: int = 32
    max_documents: int = 256
    """Open documents of one connection."""
    max_pending: int = 64
    """Unanswered requests of one connection."""
    outgoing_bytes: int = 8 * 2**20
    """Unsent bytes of one connection; a client that reads slower than this is let go."""
    send_timeout_s: float = 10.0
    """A client that takes longer to read one message is let go."""
    login_code_s: float = 600.0
    """How long the one-time login link is good."""


@dataclass(frozen=True)
class Settings:
    """All settings; each part goes to the constructor it belongs to."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    completion: CompletionConfig = field(default_factory=CompletionConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
    drafts: DraftConfig = field(default_factory=DraftConfig)
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)


class Given(NamedTuple):
    """A value and where it came from, for the sentence when it is wrong."""

    value: object
    source: str


class SettingInfo(NamedTuple):
    """One setting, for the documentation and ``splice doctor``."""

    key: str
    """``section.name``, as in the settings file."""
    env: str
    type: str
    default: object


def default_config_file() -> Path:
    """The settings file that is read when none is named; it need not exist."""
    return user_config_path("splice", appauthor=False) / "settings.toml"


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Compose the settings. ``overrides`` maps ``section.name`` to values; None stands for "not given".

    Raises ``UnknownSetting`` and ``BadSetting``, each naming the key and its source.
    """
    env = os.environ if environ is None else environ
    given: dict[str, Given] = {}
    for key, item in _all_given(overrides or {}, config, env):
        _require_known(key, item.source)
        given[key] = item
    return Settings(**{name: _section(name, cls, given) for name, cls in _sections().items()})


def wait_briefly() -> None:
    """Let idle threads of OpenMP spin for some microseconds, then sleep; call before torch is imported.

    By default they spin on, and a decode step on a machine that is busy with something else takes up to
    thirty times as long; sleeping at once halves the speed of an idle machine (``benchmarks/LOG.md``).
    A user's own choice of either variable stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def describe_settings() -> tuple[SettingInfo, ...]:
    """Every setting with its variable, type and default, in the order of the dataclasses."""
    infos: list[SettingInfo] = []
    for section, cls in _sections().items():
        defaults = cls()
        for item in fields(cls):
            env = f"{ENV_PREFIX}{section}__{item.name}".upper()
            kind = _type_name(get_type_hints(cls)[item.name])
            infos.append(SettingInfo(f"{section}.{item.name}", env, kind, getattr(defaults, item.name)))
    return tuple(infos)


def _sections() -> dict[str, type[Any]]:
    """Every part of the settings, by the name of its table."""
    return get_type_hints(Settings)


def _type_name(kind: Any) -> str:
    if isinstance(kind, type):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("pathlib.", "")


def _all_given(
    overrides: Mapping[str, object], config: Path | None, env: Mapping[str, str]
) -> Iterator[tuple[str, Given]]:
    yield from _from_file(config, env)
    yield from _from_environment(env)
    for key, value in overrides.items():
        if value is not None:
            yield key, Given(value, "the command line")


def _from_file(config: Path | None, env: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    named = config or (Path(env[ENV_FILE]).expanduser() if ENV_FILE in env else None)
    path = named or default_config_file()
    if named is None and not path.is_file():
        return
    for section, table in _read_toml(path).items():
        if not isinstance(table, dict):
            if section not in _sections():
                _require_known(section, str(path))
            raise BadSetting(f"`{section}` in {path} must be a table like [{section}].")
        for name, value in cast("dict[str, object]", table).items():
            yield f"{section}.{name}", Given(value, str(path))


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSetting(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"The settings file {path} is not valid TOML: {error}.") from error


def _from_environment(env: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    for name, value in env.items():
        if name.startswith(ENV_PREFIX) and name != ENV_FILE:
            key = name.removeprefix(ENV_PREFIX).lower().replace("__", ".", 1)
            yield key, Given(value, f"the variable {name}")


def _require_known(key: str, source: str) -> None:
    known = [info.key for info in describe_settings()]
    if key in known:
        return
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    raise UnknownSetting(f"There is no setting `{key}` (from {source}).{hint}")


def _section(section: str, cls: type[Any], given: Mapping[str, Given]) -> Any:
    hints = get_type_hints(cls)
    names = [item.name for item in fields(cls) if f"{section}.{item.name}" in given]
    return cls(
        **{name: _convert(f"{section}.{name}", hints[name], given[f"{section}.{name}"]) for name in names}
    )


def _convert(key: str, kind: Any, item: Given) -> object:
    raw = str(item.value) if isinstance(item.value, Path) else item.value
    try:
        value: object = msgspec.convert(raw, kind, strict=False, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise BadSetting(
            f"`{key}` from {item.source} is not usable: {error} (it takes {_type_name(kind)})."
        ) from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        _require_sensible(key, value, item.source)
    return value


def _to_path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    raise msgspec.ValidationError("Expected a path")


def _require_sensible(key: str, value: float, source: str) -> None:
    least = 0 if key in _MAY_BE_ZERO else 1e-9
    most = 65_535 if key == "server.port" else math.inf
    if not (math.isfinite(value) and least <= value <= most):
        raise BadSetting(f"`{key}` from {source} is out of range: {value}.")
