"""Each of the doctor's checks, on what is well and on what is not."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.cli import checks
from assistant.cli.checks import Verdict
from assistant.presence import ServerRecord, claim, publish
from assistant.settings import ServerConfig, Settings
from completion.config import EngineConfig
from completion.cpu.target import AVX2, AVX512_VNNI
from completion.records import FOLLOWS_EDITS, PREFIX_ONLY, UNKNOWN_CACHE
from tests.assistant.conftest import with_dynamic_angles


@pytest.fixture
def settings(tmp_path: Path, tiny_model_dir: Path) -> Settings:
    engine = EngineConfig(model=str(tiny_model_dir), device="cpu")
    return Settings(engine=engine, server=ServerConfig(port=0, state_dir=tmp_path))


def test_a_check_that_fails_is_a_broken_line(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    def fail(_: Settings) -> checks.Check:
        raise ImportError("no torch")

    monkeypatch.setattr(checks, "check_device", fail)
    device = next(check for check in checks.run_checks(settings) if check.name == "device")
    assert device == ("device", Verdict.BROKEN, "no torch", "Install again: make run.")


def test_a_library_that_does_not_fit_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "requires", lambda _: ["rich<1", "no-such-library", "x; extra == 'dev'"])
    found = checks.check_libraries(settings)
    assert found.verdict is Verdict.BROKEN
    assert "must be <1" in found.said
    assert "no-such-library is missing" in found.said


def test_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("completion.memory.available_memory", lambda: 1 << 30)
    assert checks.check_memory(settings).verdict is Verdict.NOTE
    monkeypatch.setattr("completion.memory.available_memory", lambda: 9 << 30)
    assert checks.check_memory(settings) == ("memory", Verdict.OK, "9.0 GB free", "")
    monkeypatch.setattr("completion.memory.available_memory", lambda: None)
    assert checks.check_memory(settings).said == "unknown"


def test_more_threads_than_cores_is_a_note(settings: Settings):
    many = replace(settings, engine=replace(settings.engine, threads=10_000))
    assert checks.check_threads(many).verdict is Verdict.NOTE


def test_a_processor_without_vnni_is_a_note(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("completion.cpu.target.host", lambda: AVX2)
    found = checks.check_processor(settings)
    assert found.verdict is Verdict.NOTE
    assert "avx2" in found.said
    monkeypatch.setattr("completion.cpu.target.host", lambda: AVX512_VNNI)
    assert checks.check_processor(settings)[1:3] == (Verdict.OK, "avx512-vnni: 8-bit weights are quick")


def test_without_a_server_the_configuration_tells_of_the_cache(
    settings: Settings, tiny_model_dir: Path, tmp_path: Path
):
    assert checks.check_cache(settings) == ("cache", Verdict.OK, UNKNOWN_CACHE, "")
    model = with_dynamic_angles(tiny_model_dir, tmp_path / "dynamic")
    fixed = replace(settings, engine=replace(settings.engine, model=str(model)))
    found = checks.check_cache(fixed)
    assert found.verdict is Verdict.NOTE
    assert "(dynamic)" in found.said
    assert found.said.endswith(PREFIX_ONLY)
    assert found.advice


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (FOLLOWS_EDITS, Verdict.OK),
        (f"The cached keys of 'x' cannot be moved: so. {PREFIX_ONLY}", Verdict.NOTE),
        (UNKNOWN_CACHE, Verdict.OK),
    ],
)
def test_the_running_server_tells_of_its_cache(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, said: str, verdict: Verdict
):
    monkeypatch.setattr(checks, "status", lambda _: {"state": "ready", "cache": said})
    record = ServerRecord("http://127.0.0.1:1", os.getpid(), "0")
    with claim(settings.server.state_dir):
        publish(settings.server.state_dir, record, token="t")
        found = checks.check_cache(settings)
    assert (found.said, found.verdict) == (said, verdict)


def test_the_caches_memory_is_that_of_the_settings_or_a_part_of_what_is_free(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("completion.memory.available_memory", lambda: 6 << 30)
    assert checks.check_cache_memory(settings).said.startswith("at most 1.50 GB, as things are")
    chosen = replace(settings, engine=replace(settings.engine, cache_bytes=1 << 29))
    assert checks.check_cache_memory(chosen).said == "at most 0.50 GB (engine.cache_bytes)"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"cacheBytes": 1 << 29, "cacheBudgetBytes": 1 << 30}, "0.50 GB of at most 1.00 GB in use"),
        ({"cacheBytes": 0, "cacheBudgetBytes": 0}, "at most 0.25 GB (engine.cache_bytes)"),
    ],
    ids=["loaded", "loading"],
)
def test_the_running_server_tells_what_its_caches_take(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, told: dict[str, int], said: str
):
    monkeypatch.setattr(checks, "status", lambda _: told)
    chosen = replace(settings, engine=replace(settings.engine, cache_bytes=1 << 28))
    with claim(settings.server.state_dir):
        publish(settings.server.state_dir, ServerRecord("http://127.0.0.1:1", os.getpid(), "0"), token="t")
        assert checks.check_cache_memory(chosen).said == said


def test_a_port_of_another_program_is_broken(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = replace(settings, server=replace(settings.server, port=port))
        found = checks.check_port(taken)
    assert found.verdict is Verdict.BROKEN
    assert str(port) in found.said
    assert checks.check_port(settings).verdict is Verdict.OK


def test_a_token_that_others_may_read_is_broken(settings: Settings):
    assert checks.check_token_file(settings).verdict is Verdict.OK
    publish(settings.server.state_dir, ServerRecord("http://127.0.0.1:1", os.getpid(), "0"), token="t")
    assert checks.check_token_file(settings).verdict is Verdict.OK
    (settings.server.state_dir / "token").chmod(0o644)
    assert checks.check_token_file(settings).verdict is Verdict.BROKEN


def test_a_server_that_does_not_answer_is_broken(settings: Settings, unused_tcp_port: int):
    record = ServerRecord(f"http://127.0.0.1:{unused_tcp_port}", os.getpid(), "0")
    with claim(settings.server.state_dir):
        publish(settings.server.state_dir, record, token="t")
        found = checks.check_server(settings)
    assert found.verdict is Verdict.BROKEN
    assert str(os.getpid()) in found.advice


def test_a_server_of_another_version_is_a_note(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "health", lambda _: {"state": "ready"})
    record = ServerRecord("http://127.0.0.1:1", os.getpid(), "0.0")
    with claim(settings.server.state_dir):
        publish(settings.server.state_dir, record, token="t")
        assert checks.check_server(settings).verdict is Verdict.NOTE


def test_a_playground_that_is_not_built_is_a_note(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "WEB_DIST", tmp_path)
    assert checks.check_playground(settings).verdict is Verdict.NOTE
    (tmp_path / "index.html").touch()
    assert checks.check_playground(settings).verdict is Verdict.OK


def test_a_draft_that_is_left_out_is_a_note(settings: Settings):
    chosen = replace(settings, drafts=replace(settings.drafts, model="/no/such/draft"))
    found = checks.check_drafts(chosen)
    assert (found.verdict, found.said) == (Verdict.NOTE, "typed, suffix (drafts.model is /no/such/draft)")
    assert found.advice.endswith("Completions go on without it.")
    assert checks.check_drafts(settings).verdict is Verdict.OK
