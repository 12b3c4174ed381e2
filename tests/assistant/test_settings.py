"""Settings: sources, their order, and the sentence for whatever does not fit."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from assistant.errors import BadSetting, UnknownSetting
from assistant.settings import Settings, describe_settings, load_settings


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def no_file(tmp_path: Path) -> Path:
    return write(tmp_path / "empty.toml", "")


def test_nothing_given_means_the_defaults(no_file):
    assert load_settings(config=no_file, environ={}) == Settings()


def test_each_source_wins_over_the_one_before(tmp_path):
    config = write(tmp_path / "s.toml", '[server]\nport = 1\nhost = "localhost"\nmax_documents = 7\n')
    environ = {"SPLICE_SERVER__PORT": "2", "SPLICE_SERVER__HOST": "127.0.0.2"}
    server = load_settings({"server.port": 3}, config=config, environ=environ).server
    assert (server.port, server.host, server.max_documents) == (3, "127.0.0.2", 7)


def test_an_override_of_none_is_not_given(no_file):
    assert load_settings({"server.port": None}, config=no_file, environ={}) == Settings()


def test_the_file_can_be_named_by_the_environment(tmp_path):
    config = write(tmp_path / "s.toml", "[engine]\nthreads = 3\n")
    assert load_settings(environ={"SPLICE_CONFIG": str(config)}).engine.threads == 3


@pytest.mark.parametrize(
    ("environ", "name", "hint"),
    [
        ({"SPLICE_SERVER__PROT": "1"}, "server.prot", "server.port"),
        ({"SPLICE_ENGINE__MODLE": "x"}, "engine.modle", "engine.model"),
        ({"SPLICE_PORT": "1"}, "port", "server.port"),
    ],
)
def test_an_unknown_key_is_named_with_a_close_match(no_file, environ, name, hint):
    with pytest.raises(UnknownSetting, match=f"`{name}`.*`{hint}`"):
        load_settings(config=no_file, environ=environ)


def test_an_unknown_key_of_the_file_names_the_file(tmp_path):
    config = write(tmp_path / "s.toml", "[servre]\nport = 1\n")
    with pytest.raises(UnknownSetting, match=r"`servre\.port` .*s\.toml.*`server\.port`"):
        load_settings(config=config, environ={})


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("server.port", "many", "Expected `int`"),
        ("server.port", 65_536, "out of range"),
        ("server.port", -1, "out of range"),
        ("server.port", True, "Expected `int`"),
        ("engine.device", "tpu", "'cpu', 'cuda'"),
        ("engine.threads", 0, "out of range"),
        ("engine.prefill_chunk", 0, "out of range"),
        ("server.send_timeout_s", "nan", "out of range"),
        ("server.send_timeout_s", "inf", "out of range"),
        ("engine.models_dir", 3, "Expected a path"),
        ("completion.repair_tokens", -1, "out of range"),
        ("completion.refresh_after_s", -0.1, "out of range"),
        ("completion.reuse", "sometimes", "'recompute'"),
    ],
)
def test_a_bad_value_names_key_and_source(no_file, key, value, words):
    with pytest.raises(BadSetting, match=f"`{key}` from the command line.*{words}"):
        load_settings({key: value}, config=no_file, environ={})


@pytest.mark.parametrize("key", ["repair_ms", "repair_tokens", "refresh_after_s"])
def test_repair_and_the_pause_before_a_refresh_may_be_nothing(no_file, key):
    settings = load_settings({f"completion.{key}": 0}, config=no_file, environ={})
    assert getattr(settings.completion, key) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"port = ", "not valid TOML"), (b"server = 3", "must be a table"), (b"\xff\xfe", "not valid TOML")],
)
def test_a_broken_file_is_named(tmp_path, content, words):
    config = tmp_path / "s.toml"
    config.write_bytes(content)
    with pytest.raises(BadSetting, match=words):
        load_settings(config=config, environ={})


def test_a_missing_file_that_was_named_is_an_error(tmp_path):
    with pytest.raises(BadSetting, match=r"nowhere\.toml cannot be read"):
        load_settings(config=tmp_path / "nowhere.toml", environ={})


def test_paths_may_start_at_home_and_be_given_as_paths(no_file, tmp_path):
    overrides = {"engine.models_dir": "~/models", "server.state_dir": tmp_path}
    settings = load_settings(overrides, config=no_file, environ={})
    assert settings.engine.models_dir == Path.home() / "models"
    assert settings.server.state_dir == tmp_path


def test_every_setting_is_described_and_can_be_set_by_its_variable(no_file):
    for info in describe_settings():
        default = info.default
        if default is None or info.key == "server.state_dir":
            continue
        settings = load_settings(config=no_file, environ={info.env: str(default)})
        assert settings == Settings(), info


def test_the_token_is_not_shown():
    assert "hunter2" not in repr(load_settings({"server.token": "hunter2"}, environ={}))


def test_the_import_is_light():
    heavy = "torch", "litestar", "pygls"
    code = f"import sys, assistant.settings; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_part_can_be_set(tmp_path: Path):
    """Drafts were once settings that no file could hold."""
    path = tmp_path / "settings.toml"
    path.write_text('[drafts]\nmodel = "small"\ndrafter = "early_exit"\n', "utf-8")
    drafts = load_settings(config=path, environ={"SPLICE_DRAFTS__WINDOW": "3"}).drafts
    assert (drafts.model, drafts.drafter, drafts.window) == ("small", "early_exit", 3)
    described = {info.key.partition(".")[0] for info in describe_settings()}
    assert described == {item.name for item in fields(Settings)}
