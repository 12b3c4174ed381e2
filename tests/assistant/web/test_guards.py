"""The door, at the real server: HTTP and websocket handshakes as they come over the wire."""

import http.client

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.assistant.client import connected


def get(
    port: int, path: str, headers: dict[str, str], method: str = "GET"
) -> tuple[int, str, dict[str, str]]:
    """One request whose headers are exactly ``headers``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        connection.close()


@pytest.fixture
def ask(scripted):
    import asyncio

    async def ask(path: str, method: str = "GET", **headers: str | None):
        given = {"Host": f"127.0.0.1:{scripted.port}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {
            name: value.format(port=scripted.port, token=scripted.token)
            for name, value in given.items()
            if value
        }
        return await asyncio.to_thread(get, scripted.port, path, kept, method)

    return ask


BEARER = "Bearer {token}"
COOKIE = "splice_token={token}"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/health", {}, 200),
        ("/health", {"Host": "localhost:{port}"}, 200),
        ("/health", {"Host": "evil.example:{port}"}, 403),
        ("/health", {"Host": "127.0.0.1"}, 403),
        ("/health", {"Host": "evil.example", "X_Forwarded_Host": "127.0.0.1:{port}"}, 403),
        ("/health", {"Origin": "http://127.0.0.1:{port}"}, 200),
        ("/health", {"Origin": "https://evil.example"}, 403),
        ("/health", {"Origin": "null"}, 403),
        ("/health", {"Origin": "http://127.0.0.1:{port}.evil.example"}, 403),
        ("/status", {}, 401),
        ("/status", {"Authorization": BEARER}, 200),
        ("/status", {"Authorization": "Bearer x{token}"}, 401),
        ("/status", {"Cookie": COOKIE}, 200),
        ("/status", {"Authorization": BEARER, "Origin": "https://evil.example"}, 403),
        ("/status", {"Authorization": BEARER, "Host": "evil.example"}, 403),
        ("/status?token={token}", {}, 401),
        ("/", {}, 401),
        ("/", {"Cookie": COOKIE}, None),
        ("/no/such", {}, 401),
        ("/no/such", {"Authorization": BEARER}, 404),
        ("//health", {}, 401),
        ("/health/../status", {}, 401),
        ("/health%2f..%2fstatus", {}, 401),
        ("/HEALTH", {}, 401),
    ],
)
async def test_http(ask, path, headers, status):
    given, body, _ = await ask(path, **headers)
    if status is None:
        assert given in {200, 503}
    else:
        assert given == status, body
    if given in {401, 403}:
        assert '"message"' in body


async def test_without_a_host(ask):
    assert (await ask("/health", Host=None))[0] in {400, 403}


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
async def test_no_other_method_gets_past(ask, method):
    assert (await ask("/status", method))[0] == 401
    assert (await ask("/status", method, Authorization=BEARER))[0] in {204, 400, 405}


async def test_a_browser_gets_a_page(ask):
    status, body, headers = await ask("/", Accept="text/html,*/*")
    assert status == 401
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "splice serve" in body


@pytest.mark.parametrize("path", ["/", "/health", "/no/such"])
async def test_every_answer_has_the_security_headers(ask, path):
    for extra in ({}, {"Authorization": BEARER}):
        _, _, headers = await ask(path, **extra)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": BEARER}, None),
        ({"Authorization": BEARER, "Origin": "http://127.0.0.1:{port}"}, None),
        ({"Cookie": COOKIE, "Origin": "http://127.0.0.1:{port}"}, None),
        ({"Cookie": COOKIE, "Origin": "http://localhost:{port}"}, None),
        ({"Cookie": COOKIE}, 401),
        ({}, 401),
        ({"Origin": "http://127.0.0.1:{port}"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Cookie": COOKIE, "Origin": "null"}, 403),
        ({"Cookie": COOKIE, "Origin": "https://evil.example"}, 403),
        ({"Cookie": COOKIE, "Origin": "http://127.0.0.1:1"}, 403),
        ({"Cookie": COOKIE, "Origin": "http://127.0.0.1:{port}.evil.example"}, 403),
        ({"Authorization": BEARER, "Origin": "https://evil.example"}, 403),
    ],
)
async def test_websocket_handshakes(scripted, headers, status):
    given = {k: v.format(port=scripted.port, token=scripted.token) for k, v in headers.items()}
    address = f"ws://127.0.0.1:{scripted.port}/lsp"
    if status is None:
        async with connect(address, additional_headers=given):
            return
    with pytest.raises(InvalidStatus) as info:
        async with connect(address, additional_headers=given):
            pass
    assert info.value.response.status_code == status
    assert b'"message"' in info.value.response.body


async def test_a_websocket_by_a_foreign_host(scripted):
    headers = {"Authorization": f"Bearer {scripted.token}"}
    with pytest.raises(InvalidStatus) as info:
        # The name is in the Host header; the connection goes to our own address (DNS rebinding).
        async with connect(
            f"ws://evil.example:{scripted.port}/lsp",
            host="127.0.0.1",
            port=scripted.port,
            additional_headers=headers,
        ):
            pass
    assert info.value.response.status_code == 403


async def test_a_websocket_elsewhere(scripted):
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://127.0.0.1:{scripted.port}/other",
            additional_headers={"Authorization": f"Bearer {scripted.token}"},
        ):
            pass


async def test_a_refused_client_disturbs_nobody(scripted):
    async with connected(scripted.url, scripted.token) as client:
        await client.initialize()
        for _ in range(20):
            with pytest.raises(InvalidStatus):
                async with connect(f"ws://127.0.0.1:{scripted.port}/lsp"):
                    pass
        await client.open("")
