"""The playground's files as they were built, small pages of our own, and the headers of all of them."""

import html
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Splice</title>{head}
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem }}
  h1 {{ font-size: 1.25rem; font-weight: 600 }}
  code {{ font: 0.95em ui-monospace, monospace }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


class File(NamedTuple):
    """One file of the playground."""

    content: bytes
    media_type: str
    cache: str
    """``Cache-Control``: what is named by its hash never changes, the rest is asked for anew."""


def security_headers(origins: Iterable[str]) -> tuple[tuple[bytes, bytes], ...]:
    """For every HTTP answer. Styles may be inline because CodeMirror writes its own."""
    sockets = " ".join(sorted(origin.replace("http://", "ws://", 1) for origin in origins))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self' data:; worker-src 'self'; manifest-src 'self'; connect-src 'self' {sockets}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    )


def read_file(root: Path, path: str) -> File | None:
    """The built file at ``path`` below ``root``; None if there is none. Nothing outside is ever read."""
    base = root.resolve()
    try:
        target = (base / path.lstrip("/")).resolve(strict=True)
    except (OSError, ValueError):  # missing, too long, holds NUL
        return None
    if not target.is_relative_to(base) or not target.is_file():
        return None
    media_type = mimetypes.guess_type(target.name)[0] or "application/octet-stream"
    hashed = target.is_relative_to(base / "assets")
    cache = "private, max-age=31536000, immutable" if hashed else "no-cache"
    return File(target.read_bytes(), media_type, cache)


def not_built_page() -> str:
    """In place of the playground while ``ui/web/dist`` is missing."""
    return _page(
        "The playground is not built",
        "<p>The server runs, and editors can connect. For the playground, build it once:</p>"
        "<p><code>make web</code></p><p>Then load this page again.</p>",
    )


def locked_page(sentence: str) -> str:
    """For a browser without the cookie."""
    return _page("This door is locked", f"<p>{html.escape(sentence)}</p>")


def welcome_page() -> str:
    """After the login link: on to the playground.

    A page and not a redirect: the next request then comes from ourselves, and a SameSite=Strict cookie is
    sent with it even when the link was clicked on another site.
    """
    return _page(
        "Welcome",
        '<p><a href="/">To the playground</a></p>',
        '<meta http-equiv="refresh" content="0; url=/">',
    )


def _page(title: str, body: str, head: str = "") -> str:
    return _PAGE.format(title=html.escape(title), body=body, head=head)
