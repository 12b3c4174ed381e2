"""Search terms."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.words import spaced, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("getUserName", ["getusername", "get", "user", "name"]),
        ("get_user_name(x1)", ["get_user_name", "get", "user", "name", "x1"]),
        ("HTTPServer_v2", ["httpserver_v2", "http", "server"]),
        ("sha256Digest", ["sha256digest", "sha", "digest"]),
        ("__init__", ["__init__", "init"]),
        ("return the value of self.x", ["value", "x"]),
        ("def größeVon(): pass", ["größevon", "größe", "von"]),
        ("is_in", ["is_in"]),
        ("12 + 0.5", []),
        ("a" * 65, []),
        ("İstanbul", ["istanbul"]),
        ("", []),
    ],
)
def test_terms(text: str, expected: list[str]):
    assert terms(text) == expected


@given(st.text())
def test_terms_are_plain_words(text: str):
    assert all(re.fullmatch(r"\w+", term) and term == term.lower() for term in terms(text))


@given(st.from_regex(r"[A-Z][a-z]{2,6}([A-Z][a-z]{2,6}){1,3}", fullmatch=True))
def test_camel_and_snake_case_share_their_parts(name: str):
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    assert terms(name)[-1:] == terms(snake)[-1:]
    assert {t for t in terms(name) if t != name.lower()} == {t for t in terms(snake) if t != snake.lower()}


def test_spaced():
    assert spaced("getUserName(a_b, HTTPServer)") == "get User Name(a b, HTTP Server)"
