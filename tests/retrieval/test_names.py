"""Names found from parts of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.names import Fit, fit, humps, like_pattern

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("typed", "name", "how"),
    [
        ("RepositoryIndex", "RepositoryIndex", Fit.EXACT),
        ("repositoryindex", "RepositoryIndex", Fit.SAME_LETTERS),
        ("Repo", "RepositoryIndex", Fit.PREFIX),
        ("repo", "RepositoryIndex", Fit.PREFIX_LETTERS),
        ("RIn", "RepositoryIndex", Fit.HUMPS),
        ("repind", "RepositoryIndex", Fit.HUMPS),
        ("r_i", "RepositoryIndex", Fit.HUMPS),
        ("putfi", "put_some_files", Fit.HUMPS),
        ("sitory", "RepositoryIndex", Fit.SUBSTRING),
        ("xyz", "RepositoryIndex", None),
        ("indrep", "RepositoryIndex", None),
    ],
)
def test_how_a_name_fits(typed, name, how):
    assert fit(typed, name) == how


def test_humps():
    assert humps("HTTPServer_v2") == ("http", "server", "v", "2")


@given(NAMES, st.data())
def test_whatever_fits_fulfils_the_pattern(name, data):
    start = data.draw(st.integers(0, len(name)))
    typed = name[start : data.draw(st.integers(start, len(name)))]
    assert fit(typed, name) is not None
    pattern = like_pattern(typed)
    regex = "".join(".*" if c == "%" else re.escape(c) for c in pattern.replace("\\", ""))
    assert re.fullmatch(regex, name, re.IGNORECASE)


def test_wildcards_are_letters():
    assert like_pattern("a%") == "%a%\\%%"
