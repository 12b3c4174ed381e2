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


def fits_parts(typed: str, parts: tuple[str, ...]) -> bool:
    """Whether ``typed`` is made of beginnings of parts, in order: as it is said, cut by cut."""
    if not typed:
        return True
    return bool(parts) and any(
        typed[:taken] == parts[0][:taken] and fits_parts(typed[taken:], parts[1:])
        for taken in range(min(len(typed), len(parts[0])) + 1)
    )


@given(st.text("abAB_1", max_size=6), st.text("abAB_1", min_size=1, max_size=10))
def test_parts_may_be_left_out_and_cut_off(typed, name):
    how = fit(typed, name)
    if how is None or how >= Fit.HUMPS:
        assert (how is Fit.HUMPS) == fits_parts(typed.lower().replace("_", ""), humps(name))


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
