import pytest

from retrieval.secrets import secret_in, secret_name


@pytest.mark.parametrize("name", [".env", ".env.local", "a.pem", "ID_RSA", "credentials", ".npmrc", "x.kdbx"])
def test_names_that_hold_keys(name: str):
    assert secret_name(name)


@pytest.mark.parametrize("name", ["env.py", "credentials.py", "key.ts", "keys.md", "main.go"])
def test_names_of_code(name: str):
    assert not secret_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEow" * 8,
        'x = "ghp_' + "a1B2c3D4e5F6" * 3 + '"',
        "API_KEY = '" + "q9Zr4TkW7xLm2Vb8Ns5Y" + "'",
    ],
)
def test_texts_that_look_like_keys(text: str):
    assert secret_in(text)


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----", "token = 'the_name_of_the_next_token'", "password = input()"]
)
def test_texts_that_do_not(text: str):
    assert secret_in(text) is None
