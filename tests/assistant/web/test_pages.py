"""The playground's files, and nothing else of the disk."""

import pytest

from assistant.web.pages import locked_page, not_built_page, read_file, security_headers, welcome_page


@pytest.fixture
def dist(tmp_path):
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<p>")
    (root / "assets" / "a-1.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "dist-evil").mkdir()
    (tmp_path / "dist-evil" / "x").write_text("secret")
    return root


def test_files_and_their_caching(dist):
    page = read_file(dist, "index.html")
    script = read_file(dist, "/assets/a-1.js")
    assert page is not None
    assert script is not None
    assert (page.content, page.media_type, page.cache) == (b"<p>", "text/html", "no-cache")
    assert script.media_type == "text/javascript"
    assert "immutable" in script.cache


@pytest.mark.parametrize(
    "path",
    [
        "no-such",
        "",
        "/",
        "assets",
        "../secret.txt",
        "/../secret.txt",
        "assets/../../secret.txt",
        "//etc/passwd",
        "link.txt",
        "../dist-evil/x",
        "index.html\0.js",
        "a" * 300,
    ],
)
def test_nothing_outside_is_read(dist, path):
    assert read_file(dist, path) is None


def test_without_a_build(tmp_path):
    assert read_file(tmp_path / "missing", "index.html") is None
    assert "make web" in not_built_page()


def test_pages_escape_what_they_show():
    assert "<script>" not in locked_page("<script>")
    assert 'href="/"' in welcome_page()


def test_sockets_are_named_in_the_policy():
    policy = dict(security_headers(["http://localhost:1"]))[b"content-security-policy"].decode()
    assert "connect-src 'self' ws://localhost:1;" in policy
