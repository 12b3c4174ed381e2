"""Keys are noticed, code that speaks of keys is not taken for one. These keys are put together when run."""

from pathlib import Path

import pytest

from drafts.train.secrets import secret_in, secret_name

ROOT = Path(__file__).parents[3]
RANDOM = "q7Zx" + "9vB2mK" + "4tLw8RpY3sNd"


@pytest.mark.parametrize(
    "name", [".env", ".env.local", "server.pem", "id_rsa", "id_ed25519.pub", "SECRETS.yaml"]
)
def test_names_that_hold_keys(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", ["secrets.py", "keys.py", "environment.py", "tokens.py", "monkey.ts"])
def test_names_of_code(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "x = '" + "AKIA" + "ABCDEFGHIJKLMNOP" + "'",
        "gh" + "p_" + "a1B2" * 9,
        "hf" + "_" + "aB3d" * 9,
        "postgres://" + "admin:" + "hunter22@db.example/x",
        f'api_key = "{RANDOM}"',
        f"PASSWORD: '{RANDOM}'",
    ],
)
def test_texts_that_look_like_a_key(text: str) -> None:
    assert secret_in(f"import os\n{text}\n")


@pytest.mark.parametrize(
    "text",
    [
        'token = "<|fim_middle|>"',
        'api_key = os.environ["API_KEY_OF_THE_SERVICE"]',
        'password = "aaaaaaaaaaaaaaaaaaaaaaaa"',
        'secret_name = "my-application-secret-name"',
        "url = 'http://127.0.0.1:7433/lsp'",
    ],
)
def test_texts_about_keys(text: str) -> None:
    assert secret_in(text) is None


def test_this_repository_holds_none() -> None:
    found = {path.name: secret_in(path.read_text()) for path in (ROOT / "kvcache").glob("*.py")}
    assert set(found.values()) == {None}
