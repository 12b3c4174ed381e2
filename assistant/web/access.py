"""Who may come in: the token, the one-time login codes, the exact hosts and origins. Pure but for the clock.

A page in the user's browser can reach a server on the loopback. So the ``Host`` must be our own (against
DNS rebinding), an ``Origin`` must be our own (against foreign pages), and everything but ``/health`` needs
the token (against other users of the machine).
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie

COOKIE = "splice_token"
_CODES = 16
"""Unused login codes that are remembered."""

Header = tuple[bytes, bytes]


def new_token() -> str:
    """A random token or code, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Access:
    """The names this server answers to, and its token."""

    hosts: frozenset[str]
    origins: frozenset[str]
    token: str

    def has_own_host(self, headers: Sequence[Header]) -> bool:
        """Exactly one ``Host``, equal to one of ours, letter by letter."""
        given = _values(headers, b"host")
        return len(given) == 1 and given[0] in self.hosts

    def has_no_foreign_origin(self, headers: Sequence[Header]) -> bool:
        """No ``Origin`` at all, or exactly one that is ours. ``null`` is foreign."""
        given = _values(headers, b"origin")
        return not given or (len(given) == 1 and given[0] in self.origins)

    def has_bearer(self, headers: Sequence[Header]) -> bool:
        """``Authorization: Bearer`` with the token."""
        given = _values(headers, b"authorization")
        scheme, _, value = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and _same(value.strip(), self.token)

    def has_cookie(self, headers: Sequence[Header]) -> bool:
        """One of our cookies with the token; whatever else the header holds does not matter.

        Every server of this host may set cookies, on any port, and some set what no standard allows.
        """
        _, quoted = SimpleCookie().value_encode(self.token)
        pairs = (pair.partition("=") for value in _values(headers, b"cookie") for pair in value.split(";"))
        given = [value.strip() for name, _, value in pairs if name.strip() == COOKIE]
        return any(_same(value, quoted) for value in given)

    def may_open_socket(self, headers: Sequence[Header]) -> bool:
        """Only a browser uses the cookie, and a browser names its origin."""
        return self.has_bearer(headers) or (bool(_values(headers, b"origin")) and self.has_cookie(headers))


class LoginCodes:
    """One-time codes for the login link; each is good once and for a while."""

    def __init__(self, *, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._expiry: dict[str, float] = {}

    def issue(self) -> str:
        """A new code. The oldest one goes when there are too many."""
        while len(self._expiry) >= _CODES:
            del self._expiry[next(iter(self._expiry))]
        code = new_token()
        self._expiry[code] = self._clock() + self._seconds
        return code

    def redeem(self, code: str) -> bool:
        """Whether ``code`` is good; from now on it is not."""
        found = [known for known in self._expiry if _same(known, code)]
        return any(self._clock() < self._expiry.pop(known) for known in found)


def own_names(host: str, port: int) -> tuple[frozenset[str], frozenset[str]]:
    """The ``Host`` values and the origins of a server that listens on ``host`` and ``port``."""
    names = {"127.0.0.1", "localhost"}
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not bound to
        names.add(f"[{host}]" if ":" in host else host)
    hosts = {f"{name}:{port}" for name in names}
    if port == 80:
        hosts |= names
    return frozenset(hosts), frozenset(f"http://{name}" for name in hosts)


def _values(headers: Sequence[Header], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8"))
