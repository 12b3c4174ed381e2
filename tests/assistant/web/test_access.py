"""Who may come in: exact hosts and origins, the token by header or cookie, codes that are good once."""

import pytest
from litestar.datastructures import Cookie

from assistant.web.access import COOKIE, Access, LoginCodes, new_token, own_names

HOSTS, ORIGINS = own_names("127.0.0.1", 7433)
TOKEN = "t" * 20
ACCESS = Access(HOSTS, ORIGINS, TOKEN)


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:7433", True),
        ("localhost:7433", True),
        ("localhost:7434", False),
        ("localhost", False),
        ("localhost.:7433", False),
        ("LOCALHOST:7433", False),
        ("localhost:7433.evil.example", False),
        ("evil.example:7433", False),
        ("127.0.0.1:7433@evil.example", False),
        ("127.0.0.2:7433", False),
        ("127.1:7433", False),
        ("[::1]:7433", False),
        ("", False),
    ],
)
def test_only_our_own_host(host, allowed):
    assert ACCESS.has_own_host(headers(host=host)) is allowed


def test_no_host_and_two_hosts_are_foreign():
    assert not ACCESS.has_own_host([])
    assert not ACCESS.has_own_host([*headers(host="localhost:7433"), *headers(host="localhost:7433")])
    assert not ACCESS.has_own_host(headers(x_forwarded_host="localhost:7433"))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:7433", True),
        ("http://localhost:7433", True),
        ("https://localhost:7433", False),
        ("http://localhost:7434", False),
        ("http://localhost", False),
        ("http://localhost:7433/", False),
        ("http://localhost:74330", False),
        ("http://localhost:7433.evil.example", False),
        ("http://evil.example/?http://localhost:7433", False),
        ("null", False),
        ("file://", False),
        ("", False),
    ],
)
def test_only_our_own_origin(origin, allowed):
    assert ACCESS.has_no_foreign_origin(headers(origin=origin)) is allowed


def test_no_origin_is_not_foreign_but_two_are():
    assert ACCESS.has_no_foreign_origin([])
    assert not ACCESS.has_no_foreign_origin(headers(origin="http://localhost:7433") * 2)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", True),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        ("Bearer", False),
        ("Bearer ", False),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        ("Bearer \xff", False),
    ],
)
def test_the_bearer_token(value, allowed):
    assert ACCESS.has_bearer([(b"Authorization", value.encode("latin-1"))]) is allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (f"splice_token={TOKEN}", True),
        (f"a=b; splice_token={TOKEN}; c=d", True),
        (f"splice_token=wrong; splice_token={TOKEN}", True),
        (f'bad,name="x; [a]=b; splice_token={TOKEN}', True),
        (f"{{}}; ,; splice_token={TOKEN}; a b c", True),
        (f"splice_token={TOKEN}; splice_token=wrong", True),
        (f" splice_token = {TOKEN} ;", True),
        ("splice_token=", False),
        ("splice_token", False),
        (f"splice_token={TOKEN[:-1]}", False),
        (f"xsplice_token={TOKEN}", False),
        ("=;=;;\x00", False),
        ("", False),
    ],
)
def test_the_cookie(value, allowed):
    assert ACCESS.has_cookie(headers(cookie=value)) is allowed


@pytest.mark.parametrize("token", ["plain", "two words; and = more", 'a"b\\c', "größe"])
def test_a_token_of_ones_own_comes_back_as_it_was_set(token):
    cookie = Cookie(COOKIE, value=token).to_header(header="").partition(";")[0]
    access = Access(HOSTS, ORIGINS, token)
    assert access.has_cookie([(b"cookie", cookie.strip().encode("latin-1"))])
    assert not access.has_cookie(headers(cookie=f"{COOKIE}={token[:-1]}"))


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, True),
        ({"authorization": f"Bearer {TOKEN}", "origin": "http://localhost:7433"}, True),
        ({"cookie": f"splice_token={TOKEN}", "origin": "http://localhost:7433"}, True),
        ({"cookie": f"splice_token={TOKEN}"}, False),
        ({"origin": "http://localhost:7433"}, False),
        ({}, False),
    ],
)
def test_who_may_open_a_socket(given, allowed):
    assert ACCESS.may_open_socket(headers(**given)) is allowed


def test_a_code_is_good_once_and_for_a_while():
    now = [0.0]
    codes = LoginCodes(seconds=10, clock=lambda: now[0])
    first, second, third = codes.issue(), codes.issue(), codes.issue()
    assert codes.redeem(first)
    assert not codes.redeem(first)
    now[0] = 9.9
    assert codes.redeem(second)
    now[0] = 10.0
    assert not codes.redeem(third)
    assert not codes.redeem("")
    assert not codes.redeem("\ud800")


def test_codes_do_not_pile_up():
    codes = LoginCodes(seconds=10, clock=lambda: 0.0)
    issued = [codes.issue() for _ in range(100)]
    assert not codes.redeem(issued[0])
    assert codes.redeem(issued[-1])
    assert len(codes._expiry) < 100


def test_tokens_are_long_and_different():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 40


@pytest.mark.parametrize(
    ("host", "port", "hosts"),
    [
        ("127.0.0.1", 80, {"127.0.0.1", "localhost", "127.0.0.1:80", "localhost:80"}),
        ("::1", 5, {"127.0.0.1:5", "localhost:5", "[::1]:5"}),
        ("0.0.0.0", 5, {"127.0.0.1:5", "localhost:5"}),
        ("10.0.0.7", 5, {"127.0.0.1:5", "localhost:5", "10.0.0.7:5"}),
    ],
)
def test_our_own_names(host, port, hosts):
    assert own_names(host, port) == (hosts, {f"http://{name}" for name in hosts})
