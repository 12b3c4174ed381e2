"""What ``splice doctor`` looks at: each check answers with one line. Nothing here changes anything."""

import os
import platform
import socket
import stat
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, NamedTuple

from packaging.requirements import Requirement

from assistant.cli.cache_checks import cache_of_model
from assistant.cli.draft_checks import drafting_of
from assistant.cli.running import RunningServer, find_server, health, status
from assistant.embedding import describe
from assistant.presence import TOKEN_FILE
from assistant.settings import Settings
from ui import WEB_DIST

DISTRIBUTION = "splice-assistant"
SHOWN = ("torch", "transformers", "tokenizers", "pygls", "litestar")
ROOM_BYTES = 3 << 30
"""What the default model takes at most while it is loaded."""


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """It works, but there is something to know."""
    BROKEN = "broken"


class Check(NamedTuple):
    """One line of the report."""

    name: str
    verdict: Verdict
    said: str
    advice: str = ""
    """What to do about it; empty when it is ok."""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Every check, in the order of the report. A check that itself fails is a broken line."""
    checks: tuple[tuple[str, Callable[[Settings], Check]], ...] = (
        ("version", check_version),
        ("libraries", check_libraries),
        ("memory", check_memory),
        ("device", check_device),
        ("threads", check_threads),
        ("processor", check_processor),
        ("model", check_model),
        ("FIM tokens", check_fim_tokens),
        ("embeddings", check_embeddings),
        ("cache", check_cache),
        ("cache memory", check_cache_memory),
        ("drafts", check_drafts),
        ("server", check_server),
        ("port", check_port),
        ("token file", check_token_file),
        ("playground", check_playground),
    )
    for name, check in checks:
        yield _guarded(name, check, settings)


def check_version(_: Settings) -> Check:
    """Splice's and Python's version."""
    said = f"Splice {version(DISTRIBUTION)}, Python {platform.python_version()}, {platform.system()}"
    return Check("version", Verdict.OK, said)


def check_libraries(_: Settings) -> Check:
    """Whether every library is there in a version that fits."""
    unfit = list(_unfit_libraries())
    if unfit:
        return Check("libraries", Verdict.BROKEN, "; ".join(unfit), "Install again: make run.")
    return Check("libraries", Verdict.OK, ", ".join(f"{name} {version(name)}" for name in SHOWN))


def _unfit_libraries() -> Iterator[str]:
    for line in requires(DISTRIBUTION) or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} is {found} and must be {requirement.specifier}"


def check_memory(_: Settings) -> Check:
    """Free memory, as the kernel estimates it."""
    from completion.memory import available_memory

    free = available_memory()
    if free is None:
        return Check("memory", Verdict.NOTE, "unknown", "This system does not tell; 3 GB should be free.")
    said = f"{free / 2**30:.1f} GB free"
    if free < ROOM_BYTES:
        return Check("memory", Verdict.NOTE, said, "Loading a model may take 3 GB: close something first.")
    return Check("memory", Verdict.OK, said)


def check_device(settings: Settings) -> Check:
    """The device that the engine will run on. Loads torch."""
    from completion.loading import choose_device

    return Check("device", Verdict.OK, str(choose_device(settings.engine.device)))


def check_threads(settings: Settings) -> Check:
    """How many threads the engine computes with."""
    from completion.threads import physical_cores

    cores, wanted = physical_cores(), settings.engine.threads
    if wanted is not None and wanted > cores:
        advice = f"More threads than cores make it slower: set engine.threads to {cores} or leave it out."
        return Check("threads", Verdict.NOTE, f"{wanted}, on {cores} cores", advice)
    return Check("threads", Verdict.OK, f"{wanted or cores}, on {cores} cores")


def check_processor(settings: Settings) -> Check:
    """Whether 8-bit weights are quick here."""
    from completion.cpu.target import host
    from completion.loading import choose_device

    if choose_device(settings.engine.device).type == "cuda":
        return Check("processor", Verdict.OK, "not used by the model")
    if host().products == "vnni":
        return Check("processor", Verdict.OK, f"{host().name}: 8-bit weights are quick")
    advice = "Long prompts take two to six times as long here; a GPU or a newer processor helps."
    return Check("processor", Verdict.NOTE, f"no 8-bit products (VNNI), {host().name} instead", advice)


def check_model(settings: Settings) -> Check:
    """Whether the model is there and whole."""
    from completion.registry import locate

    found = locate(settings.engine.model, models_dir=settings.engine.models_dir, has_gpu=_has_gpu(settings))
    return Check("model", Verdict.OK, f"{found.name} in {found.directory}")


def check_fim_tokens(settings: Settings) -> Check:
    """Whether the model can complete between two sides."""
    from completion.inspection import inspect_tokenizer
    from completion.registry import locate

    found = locate(settings.engine.model, models_dir=settings.engine.models_dir, has_gpu=_has_gpu(settings))
    family = inspect_tokenizer(found.directory)
    return Check("FIM tokens", Verdict.OK, f"{' '.join(family.markers)} ({family.name})")


def check_embeddings(settings: Settings) -> Check:
    """What a repository is searched by, beside words and symbols."""
    said, advice = describe(settings)
    return Check("embeddings", Verdict.NOTE if advice else Verdict.OK, said, advice)


def check_cache(settings: Settings) -> Check:
    """Whether the cache follows edits: the running server's word, else what the configuration tells."""
    from completion.records import PREFIX_ONLY

    said = str(_told(settings).get("cache") or cache_of_model(settings, has_gpu=_has_gpu(settings)))
    if said.endswith(PREFIX_ONLY) and settings.completion.reuse == "auto":
        advice = "Completions behind an edit cost more with this model; most models do not have that limit."
        return Check("cache", Verdict.NOTE, said, advice)
    return Check("cache", Verdict.OK, said)


def check_cache_memory(settings: Settings) -> Check:
    """What the caches take and may take: the running server's word, else what the settings make of now."""
    match _told(settings):
        case {"cacheBytes": int(taken), "cacheBudgetBytes": int(most)} if most:
            said = f"{_gigabytes(taken)} of at most {_gigabytes(most)} in use"
        case _:
            said = _cache_memory_of(settings)
    return Check("cache memory", Verdict.OK, said)


def check_drafts(settings: Settings) -> Check:
    """Who drafts, and why others do not: the running server's word, else what the files tell."""
    said, refused = drafting_of(settings, _told(settings))
    verdict = Verdict.NOTE if refused else Verdict.OK
    return Check("drafts", verdict, said, refused and f"{refused} Completions go on without it.")


def _told(settings: Settings) -> dict[str, Any]:
    """What the running server says of itself; empty without one."""
    server = find_server(settings.server.state_dir)
    return (status(server) or {}) if server is not None else {}


def _cache_memory_of(settings: Settings) -> str:
    from completion.loading import choose_device
    from completion.memory import cache_budget, free_memory

    if settings.engine.cache_bytes is not None:
        return f"at most {_gigabytes(settings.engine.cache_bytes)} (engine.cache_bytes)"
    device = choose_device(settings.engine.device)
    budget = cache_budget(free_memory(device), device.type)
    return f"at most {_gigabytes(budget)}, as things are; counted anew when the model has been loaded"


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.2f} GB"


def _has_gpu(settings: Settings) -> bool:
    from completion.loading import choose_device

    return choose_device(settings.engine.device).type == "cuda"


def check_server(settings: Settings) -> Check:
    """Whether a server runs, answers and is of this version."""
    server = find_server(settings.server.state_dir)
    if server is None:
        return Check("server", Verdict.OK, "none is running; `splice serve` starts one")
    state = health(server)
    if state is None:
        advice = f"End process {server.pid} and start it again: splice serve."
        return Check("server", Verdict.BROKEN, f"{server.url} does not answer", advice)
    if server.version != version(DISTRIBUTION):
        said = f"{server.url} is version {server.version}"
        return Check("server", Verdict.NOTE, said, "Stop it and start it again: splice serve.")
    return _model_state(server, str(state.get("state")))


def _model_state(server: RunningServer, state: str) -> Check:
    said = f"{server.url}, model {state}, process {server.pid}"
    if state == "failed":
        return Check("server", Verdict.BROKEN, said, "See what it printed, mend it and start it again.")
    return Check("server", Verdict.OK, said)


def check_port(settings: Settings) -> Check:
    """Whether the port is free, or ours."""
    host, port = settings.server.host, settings.server.port
    server = find_server(settings.server.state_dir)
    if server is not None and server.url.endswith(f":{port}"):
        return Check("port", Verdict.OK, f"{port}, used by the running server")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        advice = "Choose another: splice serve --port 0, or server.port in the settings."
        return Check("port", Verdict.BROKEN, f"{host}:{port} cannot be used: {error.strerror}", advice)
    return Check("port", Verdict.OK, f"{port} is free")


def check_token_file(settings: Settings) -> Check:
    """Whether the token, if there is one, is readable by its owner alone."""
    path = settings.server.state_dir / TOKEN_FILE
    try:
        info = path.stat()
    except FileNotFoundError:
        return Check("token file", Verdict.OK, f"{path} is written when the server starts")
    mode = stat.S_IMODE(info.st_mode)
    if mode & 0o077 or info.st_uid != os.getuid():
        advice = f"Others may read the token: rm {path}, then start the server again."
        return Check("token file", Verdict.BROKEN, f"{path} has mode {mode:o}", advice)
    return Check("token file", Verdict.OK, f"{path}, mode {mode:o}")


def check_playground(_: Settings) -> Check:
    """Whether the playground is built."""
    if (WEB_DIST / "index.html").is_file():
        return Check("playground", Verdict.OK, str(WEB_DIST))
    return Check("playground", Verdict.NOTE, "not built", "Build it: make web. Editors work without it.")


def _guarded(name: str, check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return check(settings)
    except Exception as error:  # noqa: BLE001 - whatever is broken becomes its line of the report
        return Check(name, Verdict.BROKEN, str(error) or type(error).__name__, _advice_for(error))


def _advice_for(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "Install again: make run."
    return "Choose another model or device in the settings, or: splice models pull."
